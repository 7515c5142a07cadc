/**
 * WebSockets as routes of a Hono app on its Node server: Hono's middleware runs for them too.
 *
 * `npm install hono @hono/node-server twoway`, then run it and visit http://127.0.0.1:3000
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { basicAuth } from 'hono/basic-auth'
import { defineWebSocketHelper } from 'hono/ws'
import { honoWebSockets } from 'twoway/frameworks'
import { attach } from 'twoway/server'

const app = new Hono()
const { upgradeWebSocket, handlers } = honoWebSockets(app, defineWebSocketHelper)

app.get('/', (context) => context.text('Hello from Hono'))

app.get(
  '/echo',
  upgradeWebSocket(() => ({
    onMessage: ({ data }, socket) => socket.send(data as string | ArrayBuffer),
  })),
)

app.use('/members/*', basicAuth({ username: 'ann', password: 'secret' }))
app.get(
  '/members/:room',
  upgradeWebSocket((context) => ({
    onOpen: (_event, socket) => socket.send(`Welcome to ${context.req.param('room')}`),
  })),
)

const httpServer = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }, () =>
  console.log(`${server.url}/echo`),
)

const server = attach(httpServer, handlers)
