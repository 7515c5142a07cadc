/** The server under test: Twoway. */

import { serve } from 'twoway/server'
import { listening, readServerOrder } from './server-order.js'

const { does, tls, compresses } = readServerOrder()

const server = await serve({
  port: 0,
  tls,
  ...(compresses && { perMessageDeflate: { thresholdBytes: 0 } }),
  open(socket) {
    if (does === 'publish') socket.subscribe('all')
  },
  message(socket, message) {
    if (does === 'echo') socket.send(message)
    else if (does === 'publish') server.publish('all', message)
    else server.broadcast(message)
  },
})
listening(server.port)
