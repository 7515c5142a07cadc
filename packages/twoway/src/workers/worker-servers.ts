import type { ServerRegistration, SharedTopics } from '../ports/broker/shared-topics.js'
import type { Clock } from '../ports/clock.js'
import type { HttpHandler, HttpHost, HttpListener, ListenOptions } from '../ports/http-host.js'
import type { WorkerParent } from '../ports/worker-parent.js'
import { addMetrics, noMemoryTuning } from '../server/add-metrics.js'
import type { Server } from '../server/server-types.js'
import { receivedError, sentError } from './sent-error.js'
import { ParentBroker } from './topics/parent-broker.js'
import { bytesOfMessage, messageOverhead, type WorkerTopicMessage } from './topics/topic-messages.js'
import type { ParentMessage, PortRequest, WorkerMessage } from './worker-messages.js'

type PortAnswer = ParentMessage & { readonly type: 'port' }

/** Ports that a server which takes any port tries, one after the other, while they turn out to be in use. */
const mostPorts = 5

/**
 * Bytes of messages of topics that may wait for the parent, as by default for a worker in the parent. Beyond it, messages are
 * lost, and what a hub publishes is rejected.
 */
export const mostWaitingBytes = 16 << 20

/** The servers of a worker process. Requests of the parent apply to all of them. */
export class WorkerServers implements SharedTopics {
  /** The broker in the parent process. */
  readonly broker: ParentBroker
  readonly #parent: WorkerParent
  readonly #clock: Clock
  readonly #servers = new Set<Server<never>>()
  readonly #asks = new Map<number, (answer: PortAnswer) => void>()
  readonly #own = new Set<string>()
  #starting = 0
  #lastAsk = 0
  #anyPorts = 0
  #isLeaving = false
  #isClosing = false
  /** The servers whose topics are shared: each worker makes the same ones in the same order. */
  readonly #delivers: Parameters<SharedTopics['register']>[0][] = []
  #lastPublish = 0
  #waitingBytes = 0
  /** Messages of topics that were lost, because too much waited. */
  #missed = 0

  constructor(parent: WorkerParent, clock: Clock) {
    this.#parent = parent
    this.#clock = clock
    this.broker = new ParentBroker((message) => this.#tellOfTopic(message), clock)
    parent.listen({
      message: (message) => this.#take(message as ParentMessage),
      failed: (error) => this.#tell({ type: 'failed', error: sentError(error) }),
      terminate: () => void this.#close().then(() => this.#parent.exit()),
    })
  }

  /** Adds a server that is being started. */
  async add<Data>(starting: Promise<Server<Data>>): Promise<Server<Data>> {
    this.#parent.stay()
    this.#starting += 1
    try {
      const server = await starting
      this.#servers.add(server as unknown as Server<never>)
      if (this.#isLeaving) server.notReady()
      if (this.#isClosing) void server.close()
      return server
    } catch (error) {
      this.#tell({ type: 'failed', error: sentError(error) })
      throw error
    } finally {
      this.#starting -= 1
      // In a task of its own: a module that awaits one server may start the next before it runs.
      this.#clock.task(() => this.#tellListening())
    }
  }

  register(deliver: Parameters<SharedTopics['register']>[0]): ServerRegistration {
    const server = this.#delivers.push(deliver) - 1
    return {
      changed: (pattern, hasSubscribers) => void this.#tellOfTopic({ type: 'topic', server, pattern, hasSubscribers }),
      publish: (published) => {
        const own = ++this.#lastPublish
        const fault = this.#tellOfTopic({ type: 'publish', server, own, published })
        return fault === undefined ? own : undefined
      },
    }
  }

  /** A host whose listeners share their ports with those of the other workers. */
  hostOver(host: HttpHost): HttpHost {
    return { listen: (options, handler) => this.#listen(host, options, handler) }
  }

  async #listen(host: HttpHost, options: ListenOptions, handler: HttpHandler): Promise<HttpListener> {
    // node:cluster already shares Unix sockets and handles between the workers.
    if (options.socketPath !== undefined || options.handle !== undefined) return host.listen(options, handler)
    const isAny = options.port === 0
    const nth = isAny ? this.#anyPorts++ : 0
    let taken: number | undefined
    for (let count = 1; ; count += 1) {
      const isShared = options.reusePort === true
      const port = await this.#askPort({ port: options.port, host: options.host, nth, isShared, taken })
      try {
        return await this.#listenOn(host, { ...options, port }, handler)
      } catch (error) {
        if (!isAny || (error as { readonly code?: unknown }).code !== 'EADDRINUSE' || count === mostPorts) throw error
        taken = port
      }
    }
  }

  async #listenOn(host: HttpHost, options: ListenOptions, handler: HttpHandler): Promise<HttpListener> {
    const key = `${options.host} ${options.port}`
    // A second server of the module on the same port is a mistake: it must not get a share of the first one's peers.
    const reusePort = options.reusePort === true || (this.#parent.hasReusePort && !this.#own.has(key))
    const isFirst = !this.#own.has(key)
    this.#own.add(key)
    try {
      const listener = await host.listen({ ...options, reusePort }, handler)
      return released(listener, () => isFirst && this.#own.delete(key))
    } catch (error) {
      if (isFirst) this.#own.delete(key)
      throw error
    }
  }

  async #askPort(request: PortRequest): Promise<number> {
    const ask = ++this.#lastAsk
    const { port, error } = await new Promise<PortAnswer>((resolve) => {
      this.#asks.set(ask, resolve)
      this.#tell({ type: 'port', ask, request })
    })
    if (error !== undefined) throw receivedError(error)
    return port
  }

  #tellListening(): void {
    if (this.#starting > 0 || this.#servers.size === 0) return
    const addresses = [...this.#servers].map(({ url, port }) => ({ url, port }))
    this.#tell({ type: 'listening', addresses })
  }

  #take(message: ParentMessage): void {
    switch (message.type) {
      case 'port':
        this.#asks.get(message.ask)?.(message)
        this.#asks.delete(message.ask)
        break
      case 'broadcast':
        for (const server of this.#servers) server.broadcast(message.message, { compress: message.compress })
        break
      case 'notReady':
        this.#isLeaving = true
        for (const server of this.#servers) server.notReady()
        break
      case 'metrics':
        this.#answer(message.ask)
        break
      case 'drain':
        void this.#drain(message.withinMs).then(() => this.#answer(message.ask))
        break
      case 'close':
        void this.#close(message.withinMs).then(() => this.#answer(message.ask))
        break
      case 'end':
        this.broker.end()
        this.#parent.leave()
        break
      case 'published':
        for (const [server, deliver] of this.#delivers.entries()) {
          if (message.server === undefined || message.server === server) deliver(message.published, message.own)
        }
        break
      default:
        this.broker.take(message)
    }
  }

  async #drain(withinMs: number): Promise<void> {
    await Promise.allSettled([...this.#servers].map((server) => server.drain({ withinMs, stopListening: true })))
  }

  async #close(withinMs?: number): Promise<void> {
    this.#isClosing = true
    await Promise.allSettled([...this.#servers].map((server) => server.close({ withinMs })))
  }

  #answer(ask: number): void {
    const all = [...this.#servers].map((server) => server.metrics())
    // The tuning belongs to the process, so all servers report the same.
    const memoryTuning = all[0]?.memoryTuning ?? noMemoryTuning
    this.#tell({ type: 'answer', ask, metrics: { ...addMetrics(all), memoryTuning }, missed: this.#missed })
  }

  /** Returns the reason why a message is not sent. */
  #tellOfTopic(message: WorkerTopicMessage): Error | undefined {
    if (isContent(message) && this.#waitingBytes > mostWaitingBytes) {
      this.#missed += 1
      return new Error(`the parent process does not take messages: ${this.#waitingBytes} bytes wait for it`)
    }
    const bytes = bytesToParent(message)
    const isSent = this.#parent.send(message, () => {
      this.#waitingBytes -= bytes
    })
    if (!isSent) return new Error('the parent process is gone')
    this.#waitingBytes += bytes
    return undefined
  }

  #tell(message: WorkerMessage): void {
    this.#parent.send(message)
  }
}

/** Whether a message may be lost. The parent must know what this worker subscribes to. */
function isContent({ type }: WorkerTopicMessage): boolean {
  return type === 'publish' || type === 'brokerSend' || type === 'brokerAsk'
}

function bytesToParent(message: WorkerTopicMessage): number {
  if (message.type === 'publish') return bytesOfMessage(message.published.message)
  if (message.type === 'brokerSend') return bytesOfMessage(message.content)
  if (message.type === 'brokerAsk' && message.question.op === 'publish') return bytesOfMessage(message.question.content)
  return messageOverhead
}

/** The same listener, with a function that is called when it leaves its port. */
function released(listener: HttpListener, onClose: () => void): HttpListener {
  return {
    get port() {
      return listener.port
    },
    get address() {
      return listener.address
    },
    get socketPath() {
      return listener.socketPath
    },
    get encrypted() {
      return listener.encrypted
    },
    leave() {
      onClose()
      return listener.leave()
    },
    close() {
      onClose()
      return listener.close()
    },
  }
}
