/** The server of huge-message.ts, in its own process: reports its port, and the growth of its memory when it stops. */

import { serve } from 'twoway/server'

const server = await serve({
  port: 0,
  perMessageDeflate: { level: 1 },
  messageStream: (socket, stream) => socket.sendStream(stream, stream),
  error: (_, error) => console.error(error),
})
const before = process.memoryUsage.rss()
let most = before
const timer = setInterval(() => {
  most = Math.max(most, process.memoryUsage.rss())
}, 10)
process.once('message', async () => {
  clearInterval(timer)
  process.send!({ grownBytes: Math.max(most, process.memoryUsage.rss()) - before })
  await server.close()
  process.disconnect()
})
process.send!({ port: server.port })
