import assert from 'node:assert/strict'
import { WebSocket } from 'twoway'
import { messagesOf, start } from './example.mjs'

const { url, page } = await start('h3-hooks')
const clients = ['rooms/7?name=Ann', 'rooms/7?name=Bob', 'rooms/8'].map(
  (path) => new WebSocket(`${page.replace('http', 'ws')}/${path}`),
)
const [toAnn, toBob, toOther] = clients.map(messagesOf)
await Promise.all(clients.map((socket) => new Promise((resolve) => socket.addEventListener('open', resolve))))

// The rest of the room hears it: not the sender, nor another room.
clients[0].send('hi')
assert.equal(await toBob(), 'Ann: hi')
clients[1].send('hello')
assert.equal(await toAnn(), 'Bob: hello')
await fetch(`${page}/news`, { method: 'POST', body: 'for all' })
for (const next of [toAnn, toBob, toOther]) assert.equal(await next(), 'for all')

/** Resolves to the status of a refusal, or to 101. */
const statusOf = (path, headers) =>
  new Promise((resolve) => {
    const socket = new WebSocket(`${page.replace('http', 'ws')}/${path}`, { headers })
    socket.onopen = () => resolve(101)
    socket.onerror = ({ error }) => resolve(error.status)
  })
assert.equal(await statusOf('members/7'), 401)
assert.equal(await statusOf('members/7', { authorization: `Basic ${btoa('ann:secret')}` }), 101)
assert.equal(await statusOf('elsewhere'), 404)
// A page that is asked for as a page.
assert.equal((await fetch(url.replace('ws', 'http'))).status, 426)
process.exit()
