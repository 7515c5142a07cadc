/** The service that is deployed: stores each message, then acknowledges it. Arguments: the kind of server, and its address. */
import { appendFile } from 'node:fs/promises'
import { type ServeOptions, serve } from 'twoway/server'
import { gracefulShutdown, serveWorkers } from 'twoway/workers'

const [what, address] = process.argv.slice(2)
const log = process.env.LOG!

const handlers = {
  async message(socket, message) {
    await appendFile(log, `${message}\n`)
    socket.send(message)
  },
  // More than the load has at once, so that no client waits for another to leave.
  backlog: 4096,
} satisfies ServeOptions<undefined>

if (what === 'workers') {
  const workers = await serveWorkers(new URL(import.meta.url), { workers: 2, args: ['port', address!] })
  gracefulShutdown(workers)
  process.on('SIGHUP', async () => {
    await workers.restart({ withinMs: 2000 })
    console.log('restarted')
  })
} else {
  const where = what === 'port' ? { port: Number(address) } : { handle: { fd: Number(address) } }
  const server = await serve({ ...handlers, ...where })
  if (process.env.TWOWAY_WORKER_OF === undefined) gracefulShutdown(server, { withinMs: 4000 })
}
// PM2 waits for this before it stops the process that this one replaces.
if (process.env.PM2_HOME !== undefined) process.send?.('ready')
console.log('listening')
