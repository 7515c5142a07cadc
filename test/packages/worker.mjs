import process from 'node:process'
import { serve } from 'twoway/server'

await serve({
  port: 0,
  open(socket) {
    socket.subscribe('all')
    socket.send(String(process.pid))
  },
  message: (socket, message) => socket.server.publish('all', message),
})
