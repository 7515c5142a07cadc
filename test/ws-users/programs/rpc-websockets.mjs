import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Client, Server } from 'rpc-websockets'
import { until } from './listen.mjs'

const server = new Server({ host: '127.0.0.1', port: 0 })
await once(server, 'listening')
server.register('sum', ([one, other]) => one + other)
server.register('fail', () => {
  throw server.createError(1234, 'failed', { why: 'a test' })
})
server.register('length', ({ text }) => text.length)
const notes = []
server.register('note', (values) => notes.push(values))
server.event('news')
server.setAuth((values) => values.token === 'ann')
server.register('secret', () => 42).protected()

const url = `ws://127.0.0.1:${server.wss.address().port}`
const client = new Client(url, { reconnect_interval: 20, max_reconnects: 0 })
await once(client, 'open')
assert.equal(await client.call('sum', [1, 2]), 3)
assert.equal(await client.call('length', { text: 'a'.repeat(500_000) }), 500_000)
await assert.rejects(client.call('fail'), { code: 1234, message: 'failed' })
await assert.rejects(client.call('missing'), { code: -32601 })
await client.notify('note', ['noted'])
await until(() => notes.length === 1, 'the notification')
await assert.rejects(client.call('secret'))
assert.equal(await client.login({ token: 'ann' }), true)
assert.equal(await client.call('secret'), 42)

await client.subscribe('news')
const news = once(client, 'news')
server.emit('news', 'first', 'second')
assert.deepEqual(await news, ['first', 'second'])

const again = once(client, 'open')
for (const socket of server.wss.clients) socket.terminate()
await again
assert.equal(await client.call('sum', [2, 2]), 4)
client.close()
await server.close()
process.exit()
