/**
 * A WebSocket as a route of an h3 app.
 *
 * `npm install h3 crossws srvx twoway`, then run it and connect to ws://127.0.0.1:3000/chat
 */
import { fromNodeUpgradeHandler } from 'crossws/adapters/node'
import { serve } from 'crossws/server'
import { defineWebSocketHandler, H3 } from 'h3'
import { upgrader } from 'twoway/server'

const chat = upgrader<{ name: string }>({
  message: (socket, message) => chat.broadcast(`${socket.data.name}: ${message}`),
})

const app = new H3()
app.get('/', () => 'Hello from h3')
app.get(
  '/chat',
  defineWebSocketHandler((event) =>
    fromNodeUpgradeHandler(async (request, socket, head) => {
      const name = event.url.searchParams.get('name') ?? 'somebody'
      await chat.accept(request, socket, head, { data: { name } })
    }),
  ),
)

const server = serve({
  fetch: app.fetch,
  port: Number(process.env.PORT ?? 3000),
  hostname: '127.0.0.1',
  silent: true,
  websocket: {},
})
await server.ready()
console.log(new URL('/chat', server.url?.replace('http', 'ws')).href)
