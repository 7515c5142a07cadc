/** A worker that lets its clients use the broker in its parent: see RealWorkers. */
import process from 'node:process'
import { deserialize, serialize } from 'node:v8'
import { serve } from '../../../twoway/dist/entries/server.js'
import { nodeClock } from '../../../twoway/dist/runtimes/node/clock.js'
import { serversOfWorker } from '../../../twoway/dist/runtimes/node/workers/cluster-parent.js'
import { SharedTopicsOfWorkers, WorkerTopics } from '../../../twoway/dist/workers/topics/worker-topics.js'
import { WorkerServers } from '../../../twoway/dist/workers/worker-servers.js'

const { broker } = serversOfWorker((parent) => new WorkerServers(parent, nodeClock))!
const shared = new SharedTopicsOfWorkers(broker)

await serve<{ topics: WorkerTopics | undefined }>({
  port: 0,
  upgrade: () => ({ data: { topics: undefined } }),
  open(socket) {
    socket.data.topics = new WorkerTopics(shared, (message) => {
      socket.send(serialize(message))
      return true
    })
    socket.send(String(process.pid))
  },
  message: (socket, message) => socket.data.topics!.take(deserialize(message as Uint8Array)),
  close: (socket) => socket.data.topics!.leave(),
})
