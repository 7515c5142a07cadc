import assert from 'node:assert/strict'
import { once } from 'node:events'
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import { createWebSocketStream, WebSocket } from 'ws'
import { messagesOf, until } from './listen.mjs'

const fastify = Fastify()
const closed = []
await fastify.register(websocket, { options: { maxPayload: 100_000, clientTracking: true } })
fastify.addHook('preValidation', async (request, reply) => {
  if (request.headers.authorization === 'wrong') await reply.code(401).send()
})
fastify.get('/echo/:name', { websocket: true }, (socket, request) => {
  socket.send(`hi ${request.params.name}`)
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  socket.on('close', (code, reason) => closed.push([code, reason.toString()]))
})
fastify.get('/all', { websocket: true }, (socket) => {
  socket.on('message', (data) => {
    for (const client of fastify.websocketServer.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(data.toString())
    }
  })
})
fastify.get('/stream', { websocket: true }, (socket) => {
  const stream = createWebSocketStream(socket, { encoding: 'utf8' })
  stream.on('error', () => {})
  stream.pipe(stream)
})
fastify.get('/fails', { websocket: true }, async () => {
  throw new Error('a handler that fails')
})
const url = (await fastify.listen({ port: 0, host: '127.0.0.1' })).replace('http', 'ws')

const client = new WebSocket(`${url}/echo/ann`)
const next = messagesOf(client)
assert.equal(await next(), 'hi ann')
client.send('text')
assert.equal(await next(), 'text')
client.send(Buffer.alloc(70_000, 7))
assert.ok((await next()).equals(Buffer.alloc(70_000, 7)))
client.close(4001, 'bye')
assert.equal((await once(client, 'close'))[0], 4001)

// Longer than maxPayload.
const long = new WebSocket(`${url}/echo/bob`)
await once(long, 'open')
long.send(Buffer.alloc(100_001))
assert.equal((await once(long, 'close'))[0], 1009)

// A hook and a missing route refuse the handshake.
for (const [path, headers, status] of [
  ['/echo/x', { authorization: 'wrong' }, 401],
  ['/missing', {}, 404],
]) {
  const [error] = await once(new WebSocket(`${url}${path}`, { headers }), 'error')
  assert.equal(error.message, `Unexpected server response: ${status}`)
}
const failing = new WebSocket(`${url}/fails`)
failing.on('error', () => {})
assert.equal((await once(failing, 'close'))[0], 1006)

const both = [new WebSocket(`${url}/all`), new WebSocket(`${url}/all`)]
const heard = both.map(messagesOf)
await Promise.all(both.map((socket) => once(socket, 'open')))
both[0].send('to all')
assert.deepEqual(await Promise.all(heard.map((read) => read())), ['to all', 'to all'])

const stream = createWebSocketStream(new WebSocket(`${url}/stream`), { encoding: 'utf8' })
const back = once(stream, 'data')
stream.write('through a stream')
assert.deepEqual(await back, ['through a stream'])
stream.destroy()

// Without a network.
const greetings = []
const injected = await fastify.injectWS(
  '/echo/eve',
  {},
  { onInit: (ws) => ws.once('message', (data) => greetings.push(data.toString())) },
)
await until(() => greetings.length > 0, 'the greeting')
assert.deepEqual(greetings, ['hi eve'])
const echoed = once(injected, 'message')
injected.send('injected')
assert.equal((await echoed)[0].toString(), 'injected')
injected.terminate()

const ends = Promise.all(both.map((socket) => once(socket, 'close')))
await fastify.close()
await ends
assert.ok(closed.some(([code, reason]) => code === 4001 && reason === 'bye'))
process.exit()
