import { serve } from 'twoway/server'
import { gracefulShutdown } from 'twoway/workers'

const server = await serve({
  port: Number(process.env.PORT ?? 8080),
  open: (socket) => socket.send('Welcome!'),
  message: (socket, message) => socket.send(message),
})
// Ctrl+C and SIGTERM close all connections before the process ends.
gracefulShutdown(server)
console.log(server.url)
