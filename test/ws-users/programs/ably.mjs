import assert from 'node:assert/strict'
import { once } from 'node:events'
import Ably from 'ably'
import { WebSocketServer } from 'ws'
import { until } from './listen.mjs'

const action = { heartbeat: 0, ack: 1, connected: 4, close: 7, closed: 8, attach: 10, attached: 11, message: 15 }
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
await once(server, 'listening')
let connections = 0
server.on('connection', (socket, request) => {
  connections += 1
  assert.match(request.url, /format=json/)
  const send = (message) => socket.send(JSON.stringify(message))
  const connectionDetails = {
    connectionKey: 'key',
    maxMessageSize: 65_536,
    maxFrameSize: 524_288,
    maxInboundRate: 250,
    connectionStateTtl: 120_000,
    maxIdleInterval: 15_000,
    serverId: 'stub',
  }
  send({ action: action.connected, connectionId: 'connection', connectionDetails })
  socket.on('message', (data) => {
    const { action: asked, channel, msgSerial, messages, id } = JSON.parse(data)
    if (asked === action.heartbeat) send({ action: asked, id })
    if (asked === action.close) send({ action: action.closed })
    if (asked === action.attach) send({ action: action.attached, channel, channelSerial: '0', flags: 0xff0000 })
    if (asked !== action.message) return
    send({ action: action.ack, msgSerial, count: 1 })
    const common = { channel, id: `connection:${msgSerial}`, connectionId: 'connection', timestamp: Date.now() }
    send({ action: action.message, ...common, messages })
  })
})

const client = new Ably.Realtime({
  token: 'token',
  endpoint: '127.0.0.1',
  port: server.address().port,
  tls: false,
  useBinaryProtocol: false,
  fallbackHosts: [],
  transports: ['web_socket'],
  disconnectedRetryTimeout: 50,
  logLevel: 0,
})
await client.connection.once('connected')
assert.equal(client.connection.id, 'connection')
assert.ok((await client.connection.ping()) >= 0)

const channel = client.channels.get('room')
const received = []
await channel.subscribe((message) => received.push([message.name, message.data]))
assert.equal(channel.state, 'attached')
const long = 'a'.repeat(50_000)
await channel.publish('first', { text: 'hi' })
await channel.publish('second', long)
await until(() => received.length === 2, 'the messages')
assert.deepEqual(received, [
  ['first', { text: 'hi' }],
  ['second', long],
])

// A connection that breaks.
for (const socket of server.clients) socket.terminate()
await until(() => connections === 2 && client.connection.state === 'connected', 'the new connection')
client.close()
await client.connection.whenState('closed')
process.exit()
