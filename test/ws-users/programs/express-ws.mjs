import assert from 'node:assert/strict'
import { once } from 'node:events'
import express from 'express'
import expressWs from 'express-ws'
import { WebSocket } from 'ws'
import { messagesOf } from './listen.mjs'

const { app, getWss } = expressWs(express(), undefined, { wsOptions: { perMessageDeflate: true } })
app.use((request, _response, next) => {
  request.user = request.headers['x-user']
  next()
})
app.ws('/rooms/:id', (ws, request) => {
  ws.send(`${request.user} in ${request.params.id}`)
  ws.on('message', (data) => ws.send(`echo ${data}`))
})
const router = express.Router()
router.ws('/all', (ws) => {
  ws.on('message', (data) => {
    for (const client of getWss().clients) client.send(data.toString())
  })
})
app.use('/nested', router)
app.get('/', (_request, response) => response.send('page'))
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
const address = `127.0.0.1:${server.address().port}`

assert.equal(await (await fetch(`http://${address}/`)).text(), 'page')
const room = new WebSocket(`ws://${address}/rooms/7`, { headers: { 'X-User': 'Ann' } })
const next = messagesOf(room)
assert.equal(await next(), 'Ann in 7')
const long = 'a'.repeat(100_000)
room.send(long)
assert.equal(await next(), `echo ${long}`)
room.close()
await once(room, 'close')

const both = [new WebSocket(`ws://${address}/nested/all`), new WebSocket(`ws://${address}/nested/all`)]
const heard = both.map(messagesOf)
await Promise.all(both.map((socket) => once(socket, 'open')))
both[0].send('to all')
assert.deepEqual(await Promise.all(heard.map((read) => read())), ['to all', 'to all'])

// express-ws closes a connection that no route takes.
const missing = new WebSocket(`ws://${address}/missing`)
missing.on('error', () => {})
await once(missing, 'close')
process.exit()
