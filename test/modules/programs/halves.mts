import { HandshakeError, WebSocket } from 'twoway'
import { serve } from 'twoway/server'
import { holds } from './holder.cjs'

const server = await serve({ port: 0, upgrade: () => ({ data: 1 }), message() {} })
const socket = new WebSocket(server.url)
const error: HandshakeError = Object.create(HandshakeError.prototype)
if (holds(server, socket, error)) console.log('echoed')
socket.onerror = () => {}
await server.close()
