/**
 * A custom server of Next.js with a WebSocket. In development, Next's own socket for hot reloading keeps working.
 *
 * `npm install next react react-dom twoway`, then run it beside a folder `app` and visit http://127.0.0.1:3000
 */
import { createServer } from 'node:http'
import createNext from 'next'
import { attach } from 'twoway/server'

const dev = process.env.NODE_ENV !== 'production'
const httpServer = createServer((request, response) => handle(request, response))
const app = createNext({ dev, httpServer })
const handle = app.getRequestHandler()
await app.prepare()

const chat = attach(httpServer, {
  path: '/chat/:room',
  open: (socket) => socket.subscribe(socket.request.params.room!),
  message: (socket, message) => chat.publish(socket.request.params.room!, message),
})

httpServer.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log(`${chat.url}/chat/lobby`))
