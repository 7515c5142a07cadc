import 'reflect-metadata'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { WsAdapter } from '@nestjs/platform-ws'
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets'
import { from } from 'rxjs'
import { WebSocket } from 'ws'
import { messagesOf, until } from './listen.mjs'

/** The decorators of a class, as a compiler calls them. */
function decorated(Gateway, path, events) {
  for (const [method, name] of Object.entries(events)) {
    const descriptor = Object.getOwnPropertyDescriptor(Gateway.prototype, method)
    SubscribeMessage(name)(Gateway.prototype, method, descriptor)
    MessageBody()(Gateway.prototype, method, 0)
  }
  WebSocketServer()(Gateway.prototype, 'server')
  WebSocketGateway({ path })(Gateway)
}

const log = []
class Chat {
  handleConnection(_client, request) {
    log.push(`connected ${request.url}`)
  }
  handleDisconnect() {
    log.push('disconnected')
  }
  sum(values) {
    return { event: 'sum', data: values.reduce((one, other) => one + other, 0) }
  }
  count(to) {
    return from(Array.from({ length: to }, (_, at) => ({ event: 'count', data: at })))
  }
  say(text) {
    for (const client of this.server.clients) client.send(JSON.stringify({ event: 'said', data: text }))
  }
}
decorated(Chat, '/chat', { sum: 'sum', count: 'count', say: 'say' })
class Other {
  who() {
    return { event: 'who', data: 'other' }
  }
}
decorated(Other, '/other', { who: 'who' })
class App {}
Module({ providers: [Chat, Other] })(App)

const app = await NestFactory.create(App, { logger: false })
app.useWebSocketAdapter(new WsAdapter(app))
await app.listen(0, '127.0.0.1')
const url = (await app.getUrl()).replace('http', 'ws')

const clients = [new WebSocket(`${url}/chat`), new WebSocket(`${url}/chat`)]
const [next, nextOther] = clients.map(messagesOf)
await Promise.all(clients.map((client) => once(client, 'open')))
const send = (client, event, data) => client.send(JSON.stringify({ event, data }))
send(clients[0], 'sum', [1, 2, 3])
assert.equal(await next(), '{"event":"sum","data":6}')
send(clients[0], 'count', 3)
assert.deepEqual(
  [await next(), await next(), await next()].map((text) => JSON.parse(text).data),
  [0, 1, 2],
)
send(clients[1], 'say', 'hi')
assert.deepEqual([await next(), await nextOther()], Array(2).fill('{"event":"said","data":"hi"}'))
clients[0].close()
await until(() => log.includes('disconnected'), 'handleDisconnect')
assert.deepEqual(log, ['connected /chat', 'connected /chat', 'disconnected'])

const other = new WebSocket(`${url}/other`)
const fromOther = messagesOf(other)
await once(other, 'open')
send(other, 'who')
assert.equal(await fromOther(), '{"event":"who","data":"other"}')

const missing = new WebSocket(`${url}/missing`)
const [error] = await once(missing, 'error')
assert.match(error.message, /400|socket hang up/)
const closed = once(other, 'close')
await app.close()
await closed
process.exit()
