import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { execute, GraphQLInt, GraphQLObjectType, GraphQLSchema, GraphQLString, parse, subscribe } from 'graphql'
import transport from 'subscriptions-transport-ws'
import ws from 'ws'
import { listen } from './listen.mjs'

const { SubscriptionClient, SubscriptionServer } = transport
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: { hello: { type: GraphQLString, resolve: () => 'Hello' } },
  }),
  subscription: new GraphQLObjectType({
    name: 'Subscription',
    fields: {
      count: {
        type: GraphQLInt,
        async *subscribe() {
          for (let at = 1; at <= 3; at += 1) yield { count: at }
        },
      },
    },
  }),
})

const http = createServer()
const url = `ws://${await listen(http)}/subscriptions`
const server = SubscriptionServer.create(
  {
    schema,
    execute,
    subscribe,
    keepAlive: 20,
    onConnect(parameters) {
      if (parameters.token === 'wrong') throw new Error('no token')
    },
  },
  { server: http, path: '/subscriptions' },
)

const client = new SubscriptionClient(url, { reconnect: false, timeout: 10_000 }, ws)
const results = (query) =>
  new Promise((resolve, reject) => {
    const all = []
    client
      .request({ query: parse(query) })
      .subscribe({ next: ({ data }) => all.push(data), error: reject, complete: () => resolve(all) })
  })
assert.deepEqual(JSON.stringify(await results('{ hello }')), '[{"hello":"Hello"}]')
assert.deepEqual(JSON.stringify(await results('subscription { count }')), '[{"count":1},{"count":2},{"count":3}]')

const message = await new Promise((resolve) => {
  const options = { connectionParams: { token: 'wrong' }, connectionCallback: resolve }
  new SubscriptionClient(url, options, ws)
})
assert.match(JSON.stringify(message), /no token/)

const wrong = new ws(url, ['other'])
wrong.on('error', () => {})
assert.equal((await once(wrong, 'close'))[0], 1002)
client.close()
server.close()
process.exit()
