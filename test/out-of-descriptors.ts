import { serve } from 'twoway/server'

// Run with few descriptors: says on standard output what its error handler is told, a line each.

const server = await serve({
  port: 0,
  message: (socket, message) => socket.send(message),
  error: (socket, error) => console.log(`${socket === undefined ? 'no socket' : 'socket'}: ${error.message}`),
})
console.log(server.port)
process.stdin.on('end', () => process.exit()).resume()
