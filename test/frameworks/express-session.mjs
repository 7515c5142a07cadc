import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import express from 'express'
import session from 'express-session'
import { attach, upgrader } from 'twoway/server'
import { connect, listen, login } from './handshake.mjs'

const sessions = session({ secret: 'a secret', resave: false, saveUninitialized: false, name: 'sid' })
const app = express().use(sessions)
app.get('/login', (request, response) => {
  request.session.user = 'Ann'
  response.end('welcome')
})
app.get('/views', ({ session }, response) => response.end(String(session.views)))

const httpServer = createServer(app)
const options = {
  use: [sessions],
  upgrade(_, { nodeRequest }) {
    const { session } = nodeRequest
    if (session.user === 'nobody') return { status: 401 }
    session.views = (session.views ?? 0) + 1
    return { data: session }
  },
  open: (socket) => socket.send(`${socket.data.user} ${socket.data.views}`),
}
const chat = attach(httpServer, { path: '/chat', ...options })

// A whole app, with its prototypes, as middleware: what it answers refuses the client.
const guarded = express().use(sessions)
guarded.use((request, response, next) => {
  if (request.session.user === undefined) response.status(403).json({ error: 'log in first' })
  else next()
})
const members = attach(httpServer, { path: '/members', use: [guarded], open: (socket) => socket.send('a member') })

const host = await listen(httpServer)
const cookie = await login(`http://${host}/login`)
assert.match(cookie, /^sid=/)

const known = await connect(`ws://${host}/chat`, { cookie })
assert.equal(known.data, 'Ann 1')
assert.equal((await connect(`ws://${host}/chat`, { cookie })).data, 'Ann 2')
// The session is stored before the client gets the 101.
assert.equal(await (await fetch(`http://${host}/views`, { headers: { cookie } })).text(), '2')

const fresh = await connect(`ws://${host}/chat`)
assert.equal(fresh.data, 'undefined 1')
assert.match(fresh.cookie, /^sid=/)
assert.equal((await connect(`ws://${host}/chat`, { cookie: fresh.cookie })).data, 'undefined 2')

assert.equal((await connect(`ws://${host}/members`)).status, 403)
assert.equal((await connect(`ws://${host}/members`, { cookie })).data, 'a member')
await Promise.all([chat.close(), members.close()])

// The same by hand, as for a custom server.
const upgrades = upgrader(options)
httpServer.on('upgrade', (...upgrade) => upgrades.accept(...upgrade))
assert.equal((await connect(`ws://${host}/any`, { cookie })).data, 'Ann 3')
await upgrades.close()
httpServer.close()
httpServer.closeAllConnections()
