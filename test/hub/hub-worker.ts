/** A worker with a hub, and plain topics beside it. */
import process from 'node:process'
import { createHub } from 'twoway/hub'
import { serve } from 'twoway/server'

const hub = createHub({
  topics: { 'room.*': { publish: true, presence: true } },
  authenticate: ({ token }) => ({ user: typeof token === 'string' ? token : 'nobody' }),
  requests: { pid: () => process.pid },
  leaseMs: 1500,
})

await serve({
  port: 0,
  ...hub.handlers({
    open(socket) {
      socket.subscribe('plain.*')
      socket.send(String(process.pid))
    },
    message: (socket, message) => {
      const { topic, text, except } = JSON.parse(String(message)) as { topic: string; text: string; except?: boolean }
      socket.server.publish(topic, text, except === true ? { except: socket } : {})
    },
  }),
})
