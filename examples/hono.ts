/**
 * A WebSocket endpoint beside a Hono app on its Node server.
 *
 * `npm install hono @hono/node-server twoway`, then run it and visit http://127.0.0.1:3000
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { attach } from 'twoway/server'

const app = new Hono()
app.get('/', (context) => context.text('Hello from Hono'))

const httpServer = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }, () =>
  console.log(`${echo.url}/echo`),
)

const echo = attach(httpServer, { path: '/echo', message: (socket, message) => socket.send(message) })
