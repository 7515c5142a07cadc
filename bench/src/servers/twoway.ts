/** The server under test: Twoway. */

import { serve } from 'twoway/server'
import { listening, readServerOrder } from './server-order.js'

const { does, tls, compresses } = readServerOrder()

const server = await serve({
  port: 0,
  tls,
  ...(compresses && { perMessageDeflate: { thresholdBytes: 0 } }),
  message(socket, message) {
    if (does === 'echo') socket.send(message)
    else for (const each of server.connections) each.send(message)
  },
})
listening(server.port)
