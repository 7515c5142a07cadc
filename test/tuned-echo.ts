/**
 * `node tuned-echo.js OPTIONS`: echoes 40 messages of 1 MiB to itself, half of them text, and prints the server's
 * memory metrics.
 */
import { once } from 'node:events'
import { WebSocket } from 'twoway'
import { serve } from 'twoway/server'

const bytes = 1 << 20
const server = await serve({
  ...JSON.parse(process.argv[2] ?? '{}'),
  port: 0,
  maxMessageBytes: bytes,
  message: (socket, message) => socket.send(message),
})
const client = new WebSocket(server.url)
await once(client as never, 'open')
for (let count = 0; count < 20; count += 1) {
  for (const message of [Buffer.alloc(bytes), 'x'.repeat(bytes)]) {
    client.send(message)
    await once(client as never, 'message')
  }
}
console.log(JSON.stringify(server.metrics().memoryTuning))
client.close()
await server.close()
