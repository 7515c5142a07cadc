/** `node fault-client.js URL`: a client that connects, and reports to its parent the connection and then its end. */
import process from 'node:process'
import { WebSocket } from 'twoway'

const socket = new WebSocket(process.argv[2]!)
socket.onopen = () => process.send!('open')
socket.onclose = ({ code, wasClean }) => process.send!({ code, wasClean })
process.on('disconnect', () => process.exit(0))
