import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { attach } from 'engine.io'
import { Socket } from 'engine.io-client'
import { listen } from './listen.mjs'

const http = createServer()
const engine = attach(http, { perMessageDeflate: { threshold: 0 }, pingInterval: 100, pingTimeout: 5000 })
const address = await listen(http)
engine.on('connection', (socket) => {
  socket.on('message', (data) => {
    if (data === 'close') socket.close()
    else socket.send(data)
  })
})

/** Connects, and resolves to the client and its server's end. */
async function connect(options) {
  const connected = once(engine, 'connection')
  const client = new Socket(`ws://${address}`, options)
  // The server sends right after the handshake, so the listeners are there before.
  await once(client, 'open')
  return { client, remote: (await connected)[0] }
}

async function echo(client, data) {
  const echoed = once(client, 'message')
  client.send(data)
  return (await echoed)[0]
}

async function testEcho(client) {
  assert.equal(await echo(client, 'hällo'), 'hällo')
  const bytes = Buffer.from([1, 2, 3])
  assert.ok((await echo(client, bytes)).equals(bytes))
  const long = 'a'.repeat(300_000)
  assert.equal(await echo(client, long), long)
}

// By WebSocket from the start, compressed.
const { client, remote } = await connect({ transports: ['websocket'] })
assert.equal(client.transport.name, 'websocket')
assert.equal(client.transport.ws.extensions, 'permessage-deflate')
await testEcho(client)
await once(client, 'ping')
await once(remote, 'heartbeat')
const ended = once(remote, 'close')
client.close()
assert.equal((await ended)[0], 'transport close')

// From polling to WebSocket.
const upgrading = new Socket(`http://${address}`)
await once(upgrading, 'upgrade')
assert.equal(upgrading.transport.name, 'websocket')
await testEcho(upgrading)
const closed = once(upgrading, 'close')
upgrading.send('close')
assert.equal((await closed)[0], 'transport close')

// Many messages in one turn stay in order.
const { client: burst } = await connect({ transports: ['websocket'], perMessageDeflate: false })
const all = []
const done = new Promise((resolve) => {
  burst.on('message', (data) => {
    all.push(data)
    if (all.length === 1000) resolve()
  })
})
for (let at = 0; at < 1000; at += 1) burst.send(`${at}`)
await done
assert.deepEqual(
  all,
  Array.from({ length: 1000 }, (_, at) => `${at}`),
)

// A client whose connection breaks.
const { client: broken, remote: left } = await connect({ transports: ['websocket'] })
const reason = once(left, 'close')
broken.transport.ws.terminate()
assert.equal((await reason)[0], 'transport close')

// An id that the server does not know: it refuses the handshake.
const refused = new Socket(`ws://${address}`, { transports: ['websocket'], query: { sid: 'unknown' } })
const [error] = await once(refused, 'error')
assert.match(error.message, /websocket error/)
burst.close()
engine.close()
process.exit()
