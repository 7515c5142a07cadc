import { serve } from 'twoway/server'
import { gracefulShutdown } from 'twoway/workers'

const server = await serve({
  port: Number(process.env.PORT ?? 8080),
  // The type of `data` is the type of `socket.data` in all other handlers.
  upgrade: (request) => ({ data: { name: new URL(request.url).searchParams.get('name') ?? 'stranger' } }),
  open: (socket) => socket.send(`Welcome, ${socket.data.name}!`),
  message: (socket, message) => socket.send(message),
})
// Ctrl+C and SIGTERM close all connections before the process ends.
gracefulShutdown(server)
console.log(server.url)
