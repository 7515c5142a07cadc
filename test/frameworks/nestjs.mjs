import assert from 'node:assert/strict'
import { WebSocket } from 'twoway'
import { messagesOf, start } from './example.mjs'

const { url } = await start('nestjs')
const [first, second, other] = [new WebSocket(url), new WebSocket(url), new WebSocket(url.replace(/7$/, '8'))]
const [toFirst, toSecond, toOther] = [first, second, other].map(messagesOf)
await Promise.all(
  [first, second, other].map((socket) => new Promise((resolve) => socket.addEventListener('open', resolve))),
)
const ask = (socket, event, data) => socket.send(JSON.stringify({ event, data }))

ask(first, 'say', 'hi')
for (const next of [toFirst, toSecond]) assert.deepEqual(JSON.parse(await next()), { event: 'said', data: 'hi' })
ask(other, 'say', 'elsewhere')
assert.deepEqual(JSON.parse(await toOther()), { event: 'said', data: 'elsewhere' })

// An Observable answers with each of its values.
ask(first, 'count', 3)
for (const data of [0, 1, 2]) assert.deepEqual(JSON.parse(await toFirst()), { event: 'counted', data })

// Exceptions go through the filters of NestJS.
ask(second, 'say', 7)
const { event, data } = JSON.parse(await toSecond())
assert.deepEqual([event, data.message], ['exception', 'a text, please'])

// A guard decides by the connection.
const archive = new WebSocket(url.replace(/7$/, 'archive'))
const toArchive = messagesOf(archive)
archive.onopen = () => ask(archive, 'say', 'hi')
assert.equal(JSON.parse(await toArchive()).data.message, 'Forbidden resource')

// The adapter ignores a message that no gateway handles, and the connection goes on.
for (const text of ['no JSON', 'null', '{"event":"unknown"}']) second.send(text)
second.send(new Uint8Array([123]))
ask(second, 'say', 'still here')
assert.deepEqual(JSON.parse(await toSecond()), { event: 'said', data: 'still here' })
process.exit()
