import assert from 'node:assert/strict'
import { once } from 'node:events'
import { serve } from '@hono/node-server'
import { createNodeWebSocket } from '@hono/node-ws'
import { Hono } from 'hono'
import { WebSocket } from 'ws'
import { messagesOf, until } from './listen.mjs'

const app = new Hono()
const { injectWebSocket, upgradeWebSocket } = createNodeWebSocket({ app })
const log = []
app.use('/private/*', async (context, next) => {
  if (context.req.header('authorization') !== 'ann') return context.text('no', 401)
  await next()
})
const handler = upgradeWebSocket((context) => ({
  onOpen: (_event, ws) => ws.send(`hi ${context.req.query('name')}`),
  onMessage(event, ws) {
    if (event.data === 'close') ws.close(4000, 'as you wish')
    else ws.send(event.data)
  },
  onClose: (event) => log.push([event.code, event.reason]),
}))
app.get('/echo', handler)
app.get('/private/echo', handler)
app.get('/', (context) => context.text('page'))
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
injectWebSocket(server)
if (!server.listening) await once(server, 'listening')
const address = `127.0.0.1:${server.address().port}`

assert.equal(await (await fetch(`http://${address}/`)).text(), 'page')
const client = new WebSocket(`ws://${address}/echo?name=ann`)
const next = messagesOf(client)
assert.equal(await next(), 'hi ann')
client.send('text')
assert.equal(await next(), 'text')
client.send(Buffer.from([1, 2]))
assert.deepEqual([...(await next())], [1, 2])
client.send('close')
const [code, reason] = await once(client, 'close')
assert.deepEqual([code, reason.toString()], [4000, 'as you wish'])
await until(() => log.length === 1, 'onClose')
assert.deepEqual(log, [[4000, 'as you wish']])

const refused = new WebSocket(`ws://${address}/private/echo`)
await once(refused, 'error')
const friend = new WebSocket(`ws://${address}/private/echo`, { headers: { authorization: 'ann' } })
await once(friend, 'open')
process.exit()
