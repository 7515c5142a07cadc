import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { networks } from 'twoway-testing/peers/networks.js'
import type { HttpHost, ListenOptions } from '../ports/http-host.js'
import type { MemoryTuning } from '../ports/memory-tuning.js'
import type { WorkerParent, WorkerParentEvents } from '../ports/worker-parent.js'
import type { ServeOptions } from '../server/handler-types.js'
import { startServer } from '../server/listening-server.js'
import type { Server } from '../server/server-types.js'
import type { ParentMessage, WorkerMessage } from './worker-messages.js'
import { mostWaitingBytes, WorkerServers } from './worker-servers.js'

const inUse = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' })

/** That of the process, which all servers tell. */
const memoryTuning: MemoryTuning = {
  switchOff() {},
  counts: () => ({ on: 1, freedMemoryKept: 1, youngCollections: 2, heapTexts: 3 }),
}

/** A worker whose parent is the test, and whose listeners listen to nothing. */
class Scene implements WorkerParent, HttpHost {
  hasReusePort = true
  readonly told: WorkerMessage[] = []
  /** The calls on the process. */
  readonly done: string[] = []
  /** The addresses that were listened on, and whether each is shared. */
  readonly listened: [port: number, reusePort: boolean | undefined][] = []
  readonly taken = new Set<number>()
  readonly clock = new FakeClock()
  readonly servers: WorkerServers
  /** Whether the parent accepts messages; otherwise they wait in the worker. */
  takes = true
  isGone = false
  readonly #waiting: (() => void)[] = []
  #events: WorkerParentEvents | undefined

  constructor() {
    this.servers = new WorkerServers(this, this.clock)
  }

  get events(): WorkerParentEvents {
    return this.#events!
  }

  serve(options: ServeOptions<undefined> = {}): Promise<Server> {
    const ports = { ...networks[0]!.serverPorts, httpHost: this.servers.hostOver(this), memoryTuning }
    return this.servers.add(startServer<undefined>({ port: 0, ...options }, ports))
  }

  /** Answers each question for a port by the next of these. */
  async answer(...ports: readonly number[]): Promise<void> {
    for (const port of ports) {
      const question = this.told.findLast((message) => message.type === 'port')
      this.say({ type: 'port', ask: question!.ask, port })
      await turn()
    }
  }

  say(message: ParentMessage): void {
    this.events.message(message)
  }

  /** A server that listens on 5000. */
  async serving(): Promise<Server> {
    const starting = this.serve()
    await this.answer(5000)
    this.clock.runTasks()
    return starting
  }

  async listenAt({ port, reusePort, host }: ListenOptions) {
    this.listened.push([port, reusePort])
    if (this.taken.has(port)) throw inUse
    return { port, address: host, encrypted: false, leave: async () => {}, close: async () => {} }
  }

  // As a WorkerParent, and as an HttpHost: what the test wrote down.
  listen(events: WorkerParentEvents): void
  listen(options: ListenOptions): ReturnType<Scene['listenAt']>
  listen(given: WorkerParentEvents | ListenOptions): unknown {
    if (!('terminate' in given)) return this.listenAt(given)
    this.#events = given
    return undefined
  }

  send(message: WorkerMessage, handed?: () => void): boolean {
    if (this.isGone) return false
    this.told.push(message)
    if (this.takes) handed?.()
    else if (handed !== undefined) this.#waiting.push(handed)
    return true
  }

  /** The parent accepts the waiting and all further messages. */
  take(): void {
    this.takes = true
    for (const handed of this.#waiting.splice(0)) handed()
  }

  stay(): void {
    this.done.push('stay')
  }

  leave(): void {
    this.done.push('leave')
  }

  exit(): void {
    this.done.push('exit')
  }
}

describe('a worker: its ports', () => {
  it('asks its parent for a port, listens on it, and reports that', async () => {
    const scene = new Scene()
    const starting = scene.serve()
    const request = { port: 0, host: '127.0.0.1', nth: 0, isShared: false, taken: undefined }
    assert.deepEqual(scene.told, [{ type: 'port', ask: 1, request }])
    assert.deepEqual(scene.done, ['stay'])
    await scene.answer(5000)
    const server = await starting
    assert.equal(server.port, 5000)
    assert.deepEqual(scene.listened, [[5000, true]])
    assert.equal(scene.told.length, 1)
    scene.clock.runTasks()
    assert.deepEqual(scene.told[1], { type: 'listening', addresses: [{ url: 'ws://127.0.0.1:5000', port: 5000 }] })
  })

  it('reports once for the servers that a module starts one after the other, or together', async () => {
    const scene = new Scene()
    const starting = scene.serve().then(() => Promise.all([scene.serve(), scene.serve({ port: 80 })]))
    await scene.answer(5000)
    scene.clock.runTasks()
    assert.deepEqual(
      scene.told.flatMap((message) => (message.type === 'port' ? [[message.request.port, message.request.nth]] : [])),
      [
        [0, 0],
        [0, 1],
        [80, 0],
      ],
    )
    scene.say({ type: 'port', ask: 2, port: 5001 })
    scene.say({ type: 'port', ask: 3, port: 80 })
    await starting
    scene.clock.runTasks()
    const told = scene.told.filter((message) => message.type === 'listening')
    assert.deepEqual(
      told.at(-1)?.addresses.map(({ port }) => port),
      [5000, 5001, 80],
    )
    assert.ok(told.every(({ addresses }) => addresses.length === 3))
  })

  it('asks for another port if any will do and the first was taken, five times at most', async () => {
    const scene = new Scene()
    scene.taken.add(5000)
    const starting = scene.serve()
    await scene.answer(5000)
    assert.deepEqual(
      scene.told.map((message) => message.type === 'port' && message.request.taken),
      [undefined, 5000],
    )
    await scene.answer(5001)
    assert.equal((await starting).port, 5001)
    const failing = assert.rejects(scene.serve(), { code: 'EADDRINUSE' })
    await scene.answer(5000, 5000, 5000, 5000, 5000)
    await failing
  })

  it('rejects serve with the error from the parent, and reports it', async () => {
    const scene = new Scene()
    const message = 'listen EADDRINUSE: choose another port, or 0 for a free one'
    const starting = assert.rejects(scene.serve({ port: 80 }), { code: 'EADDRINUSE', message })
    const error = { name: 'Error', message: 'listen EADDRINUSE', code: 'EADDRINUSE' }
    scene.say({ type: 'port', ask: 1, port: 0, error })
    await starting
    const told = scene.told[1]
    assert.ok(told?.type === 'failed')
    assert.deepEqual([told.error.message, told.error.code], [message, error.code])
    scene.clock.runTasks()
    assert.equal(scene.told.length, 2)
  })

  it('does not let two servers of one module share a port until one has closed', async () => {
    const scene = new Scene()
    const server = await scene.serving()
    const starting = [scene.serve({ port: 5000 })]
    await scene.answer(5000)
    await server.close()
    starting.push(scene.serve({ port: 5000 }))
    await scene.answer(5000)
    await Promise.all(starting)
    assert.deepEqual(scene.listened, [
      [5000, true],
      [5000, false],
      [5000, true],
    ])
  })

  it("shares no port of its own if the system can't, and leaves Unix sockets and handles to the parent", async () => {
    const scene = new Scene()
    scene.hasReusePort = false
    await scene.serving()
    assert.deepEqual(scene.listened, [[5000, false]])
    await scene.servers.hostOver(scene).listen({ port: 1, socketPath: '/a' } as ListenOptions, {} as never)
    await scene.servers.hostOver(scene).listen({ port: 2, handle: {} } as ListenOptions, {} as never)
    assert.deepEqual(scene.listened.slice(1), [
      [1, undefined],
      [2, undefined],
    ])
    assert.equal(scene.told.filter(({ type }) => type === 'port').length, 1)
  })
})

describe('a worker: a request of its parent', () => {
  it('applies to all servers, and is answered by their counts', async () => {
    const scene = new Scene()
    await scene.serving()
    const servers = [await scene.serving(), await scene.serving()]
    const broadcasts: unknown[] = []
    for (const server of servers) server.broadcast = (...all: unknown[]) => broadcasts.push(all)
    scene.say({ type: 'broadcast', message: 'hi', compress: false })
    assert.deepEqual(broadcasts, [
      ['hi', { compress: false }],
      ['hi', { compress: false }],
    ])
    for (const message of [
      { type: 'metrics', ask: 7 },
      { type: 'drain', ask: 8, withinMs: 0 },
      { type: 'close', ask: 9 },
    ] as const) {
      scene.say(message)
      await turn()
      const answer = scene.told.at(-1)
      assert.ok(answer?.type === 'answer')
      assert.equal(answer.ask, message.ask)
      assert.equal(answer.metrics.connections, 0)
      assert.deepEqual(answer.metrics.memoryTuning, memoryTuning.counts(), 'that of the process, once')
      assert.equal(servers[0]!.isReady, message.type === 'metrics')
    }
    scene.say({ type: 'end' })
    assert.equal(scene.done.at(-1), 'leave')
  })

  it('makes all servers not ready, including those that listen later', async () => {
    const scene = new Scene()
    const server = await scene.serving()
    assert.equal(server.isReady, true)
    scene.say({ type: 'notReady' })
    assert.equal(server.isReady, false)
    assert.equal((await scene.serving()).isReady, false)
  })

  it('closes a server that listens only after the close', async () => {
    const scene = new Scene()
    const starting = scene.serve()
    scene.say({ type: 'close', ask: 9 })
    await scene.answer(5000)
    assert.equal((await starting).isReady, false)
  })

  it('closes and exits if another process sends SIGTERM', async () => {
    const scene = new Scene()
    const server = await scene.serving()
    scene.events.terminate()
    assert.equal(server.isReady, false)
    await turn()
    assert.equal(scene.done.at(-1), 'exit')
  })

  it('reports the value that ends it, whatever was thrown', () => {
    const scene = new Scene()
    scene.events.failed(new TypeError('boom'))
    scene.events.failed('boom')
    assert.deepEqual(
      scene.told.map((message) => message.type === 'failed' && [message.error.name, message.error.message]),
      [
        ['TypeError', 'boom'],
        ['Error', 'boom'],
      ],
    )
  })
})

describe('a worker: its topics', () => {
  const megabyte = new Uint8Array(1 << 20)

  it('loses messages for a parent that takes none, counts them, and reports each subscription', async () => {
    const scene = new Scene()
    await scene.serving()
    const topics = scene.servers.register(() => {})
    scene.takes = false
    const published = { topic: 'a', message: megabyte }
    // With what each message is counted with beyond its content, the 16th passes the limit.
    for (let count = 1; count <= mostWaitingBytes / (1 << 20); count += 1)
      assert.equal(topics.publish(published), count)
    const length = scene.told.length
    assert.equal(topics.publish(published), undefined)
    assert.equal(scene.told.length, length)
    topics.changed('a', true)
    assert.deepEqual(scene.told.at(-1), { type: 'topic', server: 0, pattern: 'a', hasSubscribers: true })
    await assert.rejects(
      scene.servers.broker.open('a', { stored: () => undefined, volatile: () => undefined }),
      /the parent process does not take messages: \d+ bytes wait for it/,
    )
    scene.take()
    assert.notEqual(topics.publish(published), undefined)
    scene.say({ type: 'metrics', ask: 1 })
    const answer = scene.told.at(-1)
    assert.ok(answer?.type === 'answer')
    assert.equal(answer.missed, 2)
  })

  it('refuses what its hub asks when the parent is gone, or has said that it sends nothing more', async () => {
    const silent = { stored: () => undefined, volatile: () => undefined }
    const scene = new Scene()
    const topics = scene.servers.register(() => {})
    scene.isGone = true
    assert.equal(topics.publish({ topic: 'a', message: '' }), undefined)
    await assert.rejects(scene.servers.broker.open('a', silent), /the parent process is gone/)
    scene.isGone = false
    const refused = assert.rejects(scene.servers.broker.open('a', silent), /the parent process has left/)
    scene.say({ type: 'end' })
    await refused
    await assert.rejects(scene.servers.broker.watch('a.*', silent), /the parent process has left/)
  })
})
