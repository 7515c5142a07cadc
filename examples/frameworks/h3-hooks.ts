/**
 * Hooks of crossws as routes of an h3 app, on Twoway: the app's middleware runs for them too.
 *
 * `npm install h3 twoway`, then run it and connect to ws://127.0.0.1:3000/rooms/7
 */
import { createServer } from 'node:http'
import { basicAuth, defineWebSocketHandler, H3 } from 'h3'
import { toNodeHandler } from 'h3/node'
import { crosswsHandlers } from 'twoway/frameworks'
import { attach } from 'twoway/server'

const app = new H3()
app.use('/members/**', basicAuth({ username: 'ann', password: 'secret' }))

const room = defineWebSocketHandler({
  upgrade: (request) => ({ context: { name: new URL(request.url).searchParams.get('name') ?? 'somebody' } }),
  open: (peer) => peer.subscribe('said'),
  message: (peer, message) => peer.publish('said', `${peer.context.name}: ${message.text()}`),
})
app.get('/rooms/:id', room)
app.get('/members/:id', room)

const { handlers, publish } = crosswsHandlers(app)
app.post('/news', async ({ req }) => publish('said', await req.text()))

const httpServer = createServer(toNodeHandler(app)).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () =>
  console.log(`${server.url}/rooms/7`),
)
const server = attach(httpServer, handlers)
