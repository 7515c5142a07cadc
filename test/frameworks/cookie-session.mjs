import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import session from 'cookie-session'
import { attach } from 'twoway/server'
import { connect, listen } from './handshake.mjs'

const httpServer = createServer()
const chat = attach(httpServer, {
  path: '/chat',
  use: [session({ name: 's', keys: ['a key'] })],
  upgrade({ url }, { nodeRequest }) {
    nodeRequest.session.views = (nodeRequest.session.views ?? 0) + 1
    if (url.endsWith('refuse')) return { status: 401 }
    return { data: nodeRequest.session.views }
  },
  open: (socket) => socket.send(String(socket.data)),
})
const host = await listen(httpServer)

const first = await connect(`ws://${host}/chat`)
assert.equal(first.data, '1')
assert.deepEqual(
  first.cookies.map((each) => each.split('=')[0]),
  ['s', 's.sig'],
)
assert.equal((await connect(`ws://${host}/chat`, { cookie: first.cookie })).data, '2')
// A cookie with another signature counts for nothing.
assert.equal((await connect(`ws://${host}/chat`, { cookie: first.cookie.replace(/sig=./, 'sig=x') })).data, '1')

const refused = await connect(`ws://${host}/chat?refuse`)
assert.equal(refused.status, 401)
assert.equal(refused.cookies.length, 2)

await chat.close()
httpServer.close()
