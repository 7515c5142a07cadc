/**
 * A chat beside an Express app, on one port: pages and WebSockets.
 *
 * `npm install express twoway`, then run it and open http://127.0.0.1:3000 twice.
 */
import express from 'express'
import { attach, gracefulShutdown } from 'twoway/server'

const app = express()
app.get('/', (_request, response) => {
  response.send(`<!doctype html><title>Chat</title><input autofocus><pre></pre><script>
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/chat')
    socket.onmessage = ({ data }) => document.querySelector('pre').append(data, '\\n')
    document.querySelector('input').onchange = ({ target }) => { socket.send(target.value); target.value = '' }
  </script>`)
})

const httpServer = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log(`${chat.url}/chat`))

const chat = attach(httpServer, {
  path: '/chat',
  upgrade: ({ remoteAddress }) => ({ data: { name: `${remoteAddress}` } }),
  message(socket, message) {
    for (const each of chat.connections) each.send(`${socket.data.name}: ${message}`)
  },
})

// Answers what the app was asked, and closes its HTTP server too.
gracefulShutdown(chat)
