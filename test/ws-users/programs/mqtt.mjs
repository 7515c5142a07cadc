import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Aedes } from 'aedes'
import mqtt from 'mqtt'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { listen } from './listen.mjs'

const broker = await Aedes.createBroker()
const http = createServer()
const wss = new WebSocketServer({ server: http, handleProtocols: (names) => (names.has('mqtt') ? 'mqtt' : false) })
wss.on('connection', (ws, request) => broker.handle(createWebSocketStream(ws), request))
const url = `ws://${await listen(http)}`

const connect = (more) => mqtt.connectAsync(url, { reconnectPeriod: 20, keepalive: 1, ...more })
// The broker refuses version 5, and ends the connection right after its answer.
await assert.rejects(connect({ protocolVersion: 5, reconnectPeriod: 0 }), { code: 1 })
const [reader, writer] = await Promise.all([connect(), connect()])
await reader.subscribeAsync('rooms/#', { qos: 1 })
const next = () => once(reader, 'message').then(([topic, payload]) => [topic, payload])

let arrived = next()
await writer.publishAsync('rooms/1', 'hi', { qos: 1 })
assert.deepEqual(await arrived, ['rooms/1', Buffer.from('hi')])

// Longer than the stream takes at once, both ways.
const long = Buffer.alloc(3_000_000, 'abc')
arrived = next()
await writer.publishAsync('rooms/2', long, { qos: 2 })
assert.ok((await arrived)[1].equals(long))

// Many small messages in one turn stay in order.
const all = []
const done = new Promise((resolve) => {
  reader.on('message', (_topic, payload) => {
    all.push(Number(payload))
    if (all.length === 500) resolve()
  })
})
await Promise.all(Array.from({ length: 500 }, (_, at) => writer.publishAsync('rooms/3', `${at}`, { qos: 1 })))
await done
assert.deepEqual(
  all,
  Array.from({ length: 500 }, (_, at) => at),
)

// Idle longer than the keepalive, then a connection that breaks, after which the client connects again.
await new Promise((resolve) => setTimeout(resolve, 1600))
assert.ok(reader.connected)
const again = once(reader, 'connect')
for (const client of wss.clients) client.terminate()
await again
await Promise.all([reader.endAsync(), writer.endAsync(true)])
process.exit()
