/**
 * Two WebSocket endpoints beside a Fastify app, on one port. One of them requires a login.
 *
 * `npm install fastify twoway`, then run it and visit http://127.0.0.1:3000/whoami
 */
import Fastify from 'fastify'
import { attach } from 'twoway/server'

const app = Fastify()
app.get('/whoami', async (request) => ({ you: request.ip }))

// Fastify creates its HTTP server before it listens.
attach(app.server, {
  path: '/echo',
  message: (socket, message) => socket.send(message),
})

const news = attach(app.server, {
  path: '/news',
  async upgrade({ headers }) {
    if (headers.get('authorization') !== 'Bearer letmein') return { status: 401, body: 'Who are you?' }
    return { data: { since: new Date() } }
  },
  open(socket) {
    socket.send(`You listen since ${socket.data.since.toISOString()}`)
  },
})

// When Fastify closes it waits for the HTTP server, which waits for its connections.
app.addHook('preClose', () => news.close())

await app.listen({ port: Number(process.env.PORT ?? 3000) })
console.log(`${news.url}/news`)
