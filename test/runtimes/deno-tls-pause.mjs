/**
 * Deno 2.9.6: a paused TLSSocket goes on reading from the network. `node test/runtimes/deno-tls-pause.mjs` and the same
 * by `bun` print a few MiB; `deno run -A test/runtimes/deno-tls-pause.mjs` prints all 256.
 */

import process from 'node:process'
import { connect, createServer } from 'node:tls'
import { generate } from 'selfsigned'

const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], { algorithm: 'sha256' })
const chunk = Buffer.alloc(64 << 10)
let left = 4096

const server = createServer({ cert, key }, (socket) => {
  const send = () => {
    for (let isTaken = true; left > 0 && isTaken; left -= 1) isTaken = socket.write(chunk)
  }
  socket.on('drain', send).on('error', () => {})
  send()
})

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address()
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  client.once('data', () => client.pause())
  setTimeout(() => {
    console.log(`${((4096 - left) * chunk.length) >> 20} MiB were taken from the server while the client was paused`)
    process.exit()
  }, 2000)
})
