import { deserialize, serialize } from 'node:v8'
import { WebSocket } from '../../../twoway/dist/entries/client.js'
import { serveWorkers } from '../../../twoway/dist/entries/workers.js'
import type { ResumableBroker } from '../../../twoway/dist/ports/broker/broker.js'
import { nodeClock } from '../../../twoway/dist/runtimes/node/clock.js'
import { ParentBroker } from '../../../twoway/dist/workers/topics/parent-broker.js'
import type { Workers } from '../../../twoway/dist/workers/workers-types.js'

/** Two worker processes, and brokers in this process that use those of the workers over a connection each. */
export class RealWorkers {
  readonly #workers: Workers
  readonly #sockets = new Set<WebSocket>()
  #lastPid: string | undefined

  private constructor(workers: Workers) {
    this.#workers = workers
  }

  static async start(): Promise<RealWorkers> {
    const module = new URL('./broker-worker.js', import.meta.url)
    return new RealWorkers(await serveWorkers(module, { workers: 2, historyCount: 200, execArgv: [] }))
  }

  /**
   * A broker in another worker than that of the call before.
   * @param prefix keeps the topics apart from those with another prefix
   */
  async connect(prefix: string): Promise<ResumableBroker> {
    const { socket, pid } = await this.#connectToOther()
    this.#lastPid = pid
    const broker = new ParentBroker((message) => {
      socket.send(serialize(message))
      return undefined
    }, nodeClock)
    socket.onmessage = ({ data }) => broker.take(deserialize(new Uint8Array(data)))
    return {
      delivery: 'resumable',
      open: (topic, events) => broker.open(`${prefix}.${topic}`, events),
      watch: (pattern, { stored, volatile }) =>
        broker.watch(`${prefix}.${pattern}`, {
          stored: (topic, message) => stored(topic.slice(prefix.length + 1), message),
          volatile: (topic, content) => volatile(topic.slice(prefix.length + 1), content),
        }),
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.close()
    await this.#workers.close()
  }

  /** The system chooses the worker of a connection. */
  async #connectToOther(): Promise<{ readonly socket: WebSocket; readonly pid: string }> {
    for (let tries = 1; tries <= 100; tries += 1) {
      const socket = new WebSocket(this.#workers.url)
      socket.binaryType = 'arraybuffer'
      const pid = await new Promise<string>((resolve, reject) => {
        socket.onmessage = ({ data }) => resolve(data)
        socket.onclose = () => reject(new Error('a worker refused a connection'))
      })
      if (pid !== this.#lastPid) {
        this.#sockets.add(socket)
        return { socket, pid }
      }
      socket.close()
    }
    throw new Error('all connections came to one worker')
  }
}
