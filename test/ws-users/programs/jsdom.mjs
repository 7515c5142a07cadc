import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { JSDOM } from 'jsdom'
import { WebSocketServer } from 'ws'
import { listen } from './listen.mjs'

const http = createServer((_request, response) => response.setHeader('Set-Cookie', 'a=b').end('<!doctype html>'))
const address = await listen(http)
const server = new WebSocketServer({ server: http, handleProtocols: () => 'chat' })
server.on('connection', (socket, { headers }) => {
  socket.send(JSON.stringify([headers.origin, headers.cookie]))
  socket.on('message', (data, isBinary) => {
    if (data.toString() === 'close') socket.close(4000, 'bye')
    else socket.send(data, { binary: isBinary })
  })
})

const { window } = await JSDOM.fromURL(`http://${address}/`)
const { Blob, WebSocket } = window
const socket = new WebSocket(`ws://${address}/`, ['chat', 'other'])
const next = () => new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }))
assert.equal(socket.readyState, WebSocket.CONNECTING)
const first = next()
await once(socket, 'open')
assert.deepEqual([socket.protocol, socket.readyState, socket.binaryType], ['chat', 1, 'blob'])
assert.deepEqual(JSON.parse((await first).data), [`http://${address}`, 'a=b'])

let echoed = next()
socket.send('hällo')
assert.equal((await echoed).data, 'hällo')
echoed = next()
socket.send(new Blob(['blob']))
const { data: blob } = await echoed
assert.ok(blob instanceof Blob && blob.size === 4)
socket.binaryType = 'arraybuffer'
echoed = next()
socket.send(Uint8Array.of(1, 2, 3))
assert.deepEqual([...new Uint8Array((await echoed).data)], [1, 2, 3])

const closed = once(socket, 'close')
socket.send('close')
const [{ code, reason, wasClean }] = await closed
assert.deepEqual([code, reason, wasClean], [4000, 'bye', true])

const failed = new WebSocket('ws://127.0.0.1:1/')
const events = []
failed.onerror = ({ type }) => events.push(type)
const [end] = await once(failed, 'close')
assert.deepEqual([events, end.code, end.wasClean], [['error'], 1006, false])
// A page that is closed ends its connections.
const [left] = await Promise.all([
  once(server, 'connection').then(([remote]) => once(remote, 'close')),
  once(new WebSocket(`ws://${address}/`), 'open').then(() => window.close()),
])
assert.ok([1001, 1006].includes(left[0]))
process.exit()
