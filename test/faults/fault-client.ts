/** `node fault-client.js URL`: a client that connects, tells its parent, and then tells how its connection ended. */
import process from 'node:process'
import { WebSocket } from 'twoway'

const socket = new WebSocket(process.argv[2]!)
socket.onopen = () => process.send!('open')
socket.onclose = ({ code, wasClean }) => process.send!({ code, wasClean })
process.on('disconnect', () => process.exit(0))
