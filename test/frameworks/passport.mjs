import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { Strategy } from 'passport-local'
import { attach } from 'twoway/server'
import { connect, listen, login } from './handshake.mjs'

passport.use(new Strategy((name, password, done) => done(null, password === 'right' && { name })))
passport.serializeUser((user, done) => done(null, user.name))
passport.deserializeUser((name, done) => {
  if (name === 'Broken') done(new Error('no such user'))
  else setImmediate(done, null, { name })
})

const sessions = session({ secret: 'a secret', resave: false, saveUninitialized: false })
const use = [sessions, passport.initialize(), passport.session()]
const app = express().use(use)
app.post('/login', express.urlencoded(), passport.authenticate('local'), (_, response) => response.end('welcome'))

const errors = []
const httpServer = createServer(app)
const servers = [
  attach(httpServer, {
    path: '/chat',
    use,
    upgrade: (_, { nodeRequest }) => (nodeRequest.isAuthenticated() ? { data: nodeRequest.user } : { status: 401 }),
    open: (socket) => socket.send(`hello ${socket.data.name}`),
    error: (_, error) => errors.push(error.message),
  }),
  // Passport's own answers to the handshake: its fields and a redirect.
  attach(httpServer, { path: '/local', use: [...use, passport.authenticate('local')], open: () => assert.fail() }),
  attach(httpServer, {
    path: '/redirect',
    use: [...use, passport.authenticate('local', { failureRedirect: '/login' })],
    open: () => assert.fail(),
  }),
]
const host = await listen(httpServer)
const form = (username, password) => ({ method: 'POST', body: new URLSearchParams({ username, password }) })

assert.equal(await login(`http://${host}/login`, form('Ann', 'wrong')), '')
const cookie = await login(`http://${host}/login`, form('Ann', 'right'))
assert.equal((await connect(`ws://${host}/chat`, { cookie })).data, 'hello Ann')
assert.equal((await connect(`ws://${host}/chat`)).status, 401)

const broken = await login(`http://${host}/login`, form('Broken', 'right'))
assert.equal((await connect(`ws://${host}/chat`, { cookie: broken })).status, 500)
assert.deepEqual(errors, ['no such user'])

assert.equal((await connect(`ws://${host}/local`)).status, 400)
const redirected = await connect(`ws://${host}/redirect`)
assert.deepEqual([redirected.status, redirected.location], [302, '/login'])

await Promise.all(servers.map((server) => server.close()))
httpServer.close()
httpServer.closeAllConnections()
