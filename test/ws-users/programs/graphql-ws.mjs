import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { GraphQLInt, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql'
import { createClient } from 'graphql-ws'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocket, WebSocketServer } from 'ws'
import { listen, until } from './listen.mjs'

let running = 0
async function* count(_root, { to }) {
  running += 1
  try {
    for (let at = 1; at <= to; at += 1) {
      yield { count: at }
      await new Promise((resolve) => setImmediate(resolve))
    }
  } finally {
    running -= 1
  }
}
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: { hello: { type: GraphQLString, resolve: (_root, _values, context) => context.extra.request.url } },
  }),
  subscription: new GraphQLObjectType({
    name: 'Subscription',
    fields: { count: { type: GraphQLInt, args: { to: { type: new GraphQLNonNull(GraphQLInt) } }, subscribe: count } },
  }),
})

const http = createServer()
const url = `ws://${await listen(http)}/graphql?a=b`
const wss = new WebSocketServer({ server: http, path: '/graphql' })
const server = useServer(
  {
    schema,
    context: ({ extra }) => ({ extra }),
    onConnect: ({ connectionParams }) => connectionParams?.token !== 'wrong',
  },
  wss,
  200,
)
const connect = (more) => createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, ...more })

const client = connect({ keepAlive: 50 })
const hello = await client.iterate({ query: '{ hello }' }).next()
assert.equal(hello.value.data.hello, '/graphql?a=b')
const counts = []
for await (const { data } of client.iterate({ query: 'subscription { count(to: 3) }' })) counts.push(data.count)
assert.deepEqual(counts, [1, 2, 3])

// A subscription that is left ends at the server.
const endless = client.iterate({ query: 'subscription { count(to: 1000000) }' })
assert.equal((await endless.next()).value.data.count, 1)
assert.equal(running, 1)
await endless.return()
await until(() => running === 0, 'the end of the subscription')

const pong = new Promise((resolve) => client.on('pong', resolve))
const held = client.iterate({ query: 'subscription { count(to: 1000000) }' })
await held.next()
await pong
await held.return()
await client.dispose()

const refused = connect({ connectionParams: { token: 'wrong' } }).iterate({ query: '{ hello }' })
await assert.rejects(refused.next(), ({ code, reason }) => code === 4403 && reason === 'Forbidden')

for (const [protocols, text, code] of [
  [[], undefined, 4406],
  [['graphql-transport-ws'], 'no JSON', 4400],
  [['graphql-transport-ws'], '{"type":"subscribe","id":"1","payload":{"query":"{ hello }"}}', 4401],
]) {
  const socket = new WebSocket(url, protocols)
  // As ws says of its own: a server that chooses no subprotocol closes first.
  socket.on('error', () => {})
  if (text !== undefined) socket.onopen = () => socket.send(text)
  assert.equal((await once(socket, 'close'))[0], code)
}
await server.dispose()
http.close()
process.exit()
