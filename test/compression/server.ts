import { serve } from 'twoway/server'
import { WebSocketServer } from 'ws'

/** A server to be measured from outside: `node server.js twoway|twoway-count|ws OPTIONS`, with options in JSON. */
const [kind, options = 'false'] = process.argv.slice(2)
const perMessageDeflate = JSON.parse(options)

if (kind === 'ws') {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate })
  server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
  server.on('listening', () => process.send!((server.address() as { readonly port: number }).port))
} else {
  const echoes = kind === 'twoway'
  const server = await serve({
    port: 0,
    perMessageDeflate,
    message: (socket, message) => socket.send(echoes ? message : String(message.length), { compress: echoes }),
  })
  process.send!(server.port)
}

process.on('message', async () => {
  // The first collection finds closed objects, the second one frees them.
  globalThis.gc!()
  await new Promise((resolve) => setTimeout(resolve, 50))
  globalThis.gc!()
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, external } = process.memoryUsage()
  process.send!({ rss, held: heapUsed + external, cpuMs: (user + system) / 1000 })
})
process.on('disconnect', () => process.exit())
