import assert from 'node:assert/strict'
import cookies from '@fastify/cookie'
import sessions from '@fastify/session'
import fastify from 'fastify'
import { attach } from 'twoway/server'
import { connect, login } from './handshake.mjs'

const app = fastify()
await app.register(cookies)
await app.register(sessions, { secret: 'a secret of at least thirty-two characters', cookie: { secure: false } })
app.get('/login', (request) => {
  request.session.user = 'Ann'
  return 'welcome'
})
const address = await app.listen({ port: 0, host: '127.0.0.1' })

/** Fastify's hooks do not run for upgrades; the plugin reads a session by hand. */
function session(request, _response, next) {
  const { sessionId } = app.parseCookie(request.headers.cookie ?? '')
  if (sessionId === undefined) next()
  else app.decryptSession(sessionId, request, next)
}

const chat = attach(app.server, {
  path: '/chat',
  use: [session],
  upgrade: (_, { nodeRequest }) => {
    const user = nodeRequest.session?.user
    return user === undefined ? { status: 401 } : { data: { user } }
  },
  open: (socket) => socket.send(`hello ${socket.data.user}`),
})
const url = address.replace('http', 'ws')
const cookie = await login(`${address}/login`)
assert.equal((await connect(`${url}/chat`, { cookie })).data, 'hello Ann')
assert.equal((await connect(`${url}/chat`)).status, 401)
assert.equal((await connect(`${url}/chat`, { cookie: 'sessionId=forged.signature' })).status, 401)
await chat.close()
await app.close()
