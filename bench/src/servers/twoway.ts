/** The server under test: Twoway. */

import { serve } from 'twoway/server'
import { listening, readServerOrder } from './server-order.js'

const { does, tls } = readServerOrder()

const server = await serve({
  port: 0,
  tls,
  message(socket, message) {
    if (does === 'echo') socket.send(message)
    else for (const each of server.connections) each.send(message)
  },
})
listening(server.port)
