import { serve } from 'twoway/server'

// Runs with a low limit of descriptors: prints each call of its error handler as a line.

const server = await serve({
  port: 0,
  message: (socket, message) => socket.send(message),
  error: (socket, error) => console.log(`${socket === undefined ? 'no socket' : 'socket'}: ${error.message}`),
})
console.log(server.port)
process.stdin.on('end', () => process.exit()).resume()
