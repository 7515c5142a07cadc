/**
 * GraphQL subscriptions over WebSocket, by the subprotocol of graphql-ws.
 *
 * `npm install graphql graphql-ws twoway`, then run it and connect a client of graphql-ws to ws://127.0.0.1:4000/graphql
 */
import { createServer } from 'node:http'
import { buildSchema } from 'graphql'
import { makeServer } from 'graphql-ws'
import { graphqlHandlers } from 'twoway/frameworks'
import { attach } from 'twoway/server'

const schema = buildSchema('type Query { hello: String }  type Subscription { count(to: Int!): Int }')

const roots = {
  query: { hello: () => 'Hello from GraphQL' },
  subscription: {
    async *count({ to }: { to: number }) {
      for (let count = 1; count <= to; count++) yield { count }
    },
  },
}

const httpServer = createServer().listen(Number(process.env.PORT ?? 4000), '127.0.0.1', () =>
  console.log(`${graphql.url}/graphql`),
)

const graphql = attach(httpServer, { path: '/graphql', ...graphqlHandlers(makeServer({ schema, roots })) })
