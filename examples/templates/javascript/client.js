import { WebSocket } from 'twoway'

const socket = new WebSocket(process.argv[2] ?? 'ws://127.0.0.1:8080')

socket.onopen = () => socket.send('Hello WebSockets!')
socket.onmessage = ({ data }) => {
  console.log(data)
  if (data === 'Hello WebSockets!') socket.close(1000, 'bye')
}
socket.onclose = ({ code, reason }) => console.log(`Closed: ${code} ${reason}`)
socket.onerror = ({ message }) => console.error(message)
