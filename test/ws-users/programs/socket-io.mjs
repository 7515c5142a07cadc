import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { io as connectTo } from 'socket.io-client'
import { listen, until } from './listen.mjs'

/** A server with an echo, rooms and a namespace that asks for a token. */
async function start(options) {
  const http = createServer()
  const io = new Server(http, options)
  io.on('connection', (socket) => {
    socket.on('echo', (...values) => values.pop()(...values))
    socket.on('join', (room, done) => {
      socket.join(room)
      done()
    })
    socket.on('say', (room, text) => socket.to(room).emit('said', text))
  })
  io.of('/private').use((socket, next) => {
    next(socket.handshake.auth.token === 'ann' ? undefined : new Error('no token'))
  })
  return { io, url: `http://${await listen(http)}` }
}

const clients = []
function connect(url, options) {
  const client = connectTo(url, { forceNew: true, reconnection: false, ...options })
  clients.push(client)
  return client
}

async function test(url, io, options) {
  const sockets = Array.from({ length: 20 }, () => connect(url, options))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const [ann, bob] = sockets
  await until(() => ann.io.engine.transport.name === 'websocket', 'the upgrade')

  // Acknowledgements with text, bytes and objects, in both directions.
  const bytes = Buffer.from([1, 2, 3])
  const [text, echoed, object] = await new Promise((resolve) =>
    ann.emit('echo', 'ä', bytes, { list: [bytes] }, (...all) => resolve(all)),
  )
  assert.equal(text, 'ä')
  assert.ok(bytes.equals(echoed) && bytes.equals(object.list[0]))
  const long = 'long '.repeat(100_000)
  assert.equal(await ann.timeout(10_000).emitWithAck('echo', long), long)

  // A room: all but the sender.
  await Promise.all(sockets.map((socket) => socket.emitWithAck('join', 'room')))
  const heard = Promise.all(sockets.slice(1).map((socket) => once(socket, 'said')))
  ann.on('said', () => assert.fail('the sender hears itself'))
  ann.emit('say', 'room', 'hi')
  assert.deepEqual(await heard, Array(19).fill(['hi']))

  // Broadcasts to all: their frames are encoded once. Bytes go another way.
  for (const value of ['ä'.repeat(200), bytes, { text: 'x'.repeat(70_000) }]) {
    const arrived = Promise.all(sockets.map((socket) => once(socket, 'news')))
    io.emit('news', value)
    assert.deepEqual(await arrived, Array(20).fill([value]))
  }
  const volatile = once(bob, 'tick')
  io.volatile.emit('tick', 1)
  assert.deepEqual(await volatile, [1])

  // The end, from either side.
  const disconnected = once(ann, 'disconnect')
  io.in(ann.id).disconnectSockets(true)
  assert.equal((await disconnected)[0], 'io server disconnect')
  const [remote] = (await io.fetchSockets()).filter(({ id }) => id === bob.id)
  const left = once(io.sockets.sockets.get(remote.id), 'disconnect')
  bob.disconnect()
  assert.equal((await left)[0], 'client namespace disconnect')
  for (const socket of sockets) socket.disconnect()
}

const plain = await start({})
await test(plain.url, plain.io, { transports: ['websocket'] })
await test(plain.url, plain.io, {})
const compressed = await start({ perMessageDeflate: { threshold: 0 } })
await test(compressed.url, compressed.io, { transports: ['websocket'] })

// A namespace that refuses.
const stranger = connect(`${plain.url}/private`, { transports: ['websocket'] })
assert.equal((await once(stranger, 'connect_error'))[0].message, 'no token')
const friend = connect(`${plain.url}/private`, { transports: ['websocket'], auth: { token: 'ann' } })
await once(friend, 'connect')

// A client connects again when its connection breaks.
const lasting = connect(plain.url, { transports: ['websocket'], reconnection: true, reconnectionDelay: 10 })
await once(lasting, 'connect')
const again = once(lasting, 'connect')
lasting.io.engine.transport.ws.terminate()
await again

for (const client of clients) client.disconnect()
await Promise.all([plain.io.close(), compressed.io.close()])
process.exit()
