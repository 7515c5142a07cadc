import { WebSocket } from 'twoway'
import { serveWorkers } from 'twoway/workers'

const workers = await serveWorkers(new URL('./worker.mjs', import.meta.url), { workers: 2 })
const processes = new Set()
const sockets = []
const received = new Promise((resolve) => {
  let count = 0
  const connect = () => {
    const socket = new WebSocket(workers.url)
    sockets.push(socket)
    socket.onmessage = ({ data }) => {
      if (data === 'everyone') {
        count += 1
        if (count === sockets.length) resolve()
        return
      }
      processes.add(data)
      if (processes.size < 2) connect()
      else sockets[0].send('everyone')
    }
  }
  connect()
})
await received
console.log(`from ${processes.size} processes`)
for (const socket of sockets) socket.close()
await workers.restart({ withinMs: 10_000 })
console.log('restarted')
await workers.close()
