// Code that uses the adapters of frameworks must compile. `npm run test:frameworks` compiles them with the frameworks' own types.

import { crosswsHandlers, graphqlHandlers, NestAdapter, trpcServer } from 'twoway/frameworks'
import { type Server, serve } from 'twoway/server'
import { check, type Same } from './same.js'

declare const graphql: { opened(socket: object, extra: object): () => Promise<void> }

export const started = (): Promise<Server>[] => [
  serve(graphqlHandlers(graphql)),
  serve({ port: 1, ...graphqlHandlers(graphql) }),
]

export const crossws = () => {
  const { handlers, publish } = crosswsHandlers({ open: (peer: { send(text: string): void }) => peer.send('hi') })
  publish('topic', { any: 'value' })
  return serve(handlers)
}

export const trpc = () => {
  const { handlers } = trpcServer<{ user: string }>({ upgrade: () => ({ data: { user: 'Ann' } }) })
  return serve({
    ...handlers,
    open(socket) {
      check<Same<typeof socket.data, { user: string }>>()
    },
  })
}

declare function start(handlers: object, path: string): Server

export const adapter = new NestAdapter(({ handlers, path, port }) => {
  check<Same<typeof port, number>>()
  return start(handlers, path)
})
