import { Hub } from '../../../twoway/dist/hub/hub.js'
import { LinkBase } from '../../../twoway/dist/link/link.js'
import type { LinkError } from '../../../twoway/dist/link/link-error.js'
import type { LinkPlatform } from '../../../twoway/dist/link/link-platform.js'
import { webPayload } from '../../../twoway/dist/runtimes/web/payload.js'
import { webRandom } from '../../../twoway/dist/runtimes/web/random.js'
import { FakeClock } from '../harnesses/fake-clock.js'
import { Chance } from './chance.js'
import { ClientEnd, SimulatedConnection } from './connection.js'
import { type Evidence, nameOf, type Published, type Seen } from './oracle.js'
import { Storage, type Way } from './storage.js'

const topics = ['room.1', 'room.2'] as const

interface Node {
  readonly hub: Hub
  readonly way: Way
  readonly connections: Set<SimulatedConnection>
}

interface Client {
  readonly link: LinkBase
  readonly seen: Map<string, Seen[]>
  connection: SimulatedConnection | undefined
  /** An application that reloads its page keeps nothing but the storage of positions. */
  readonly items: Map<string, string>
}

/** Faults by name: each does something once, or for some time. */
type Fault = (simulation: Simulation) => void | Promise<void>

const faults: Readonly<Record<string, Fault>> = {
  cut: (simulation) => simulation.anyConnection?.end(1006),
  'cut, and the server learns of it late': (simulation) => simulation.anyConnection?.end(1006),
  'cut, and the client does not learn of it': (simulation) =>
    simulation.anyConnection?.end(1006, { tellsClient: false }),
  stall: (simulation) => {
    const connection = simulation.anyConnection
    if (connection === undefined) return
    connection.isStalled = true
    simulation.later(simulation.chance.below(60_000), () => connection.end(1006))
  },
  'read slowly': (simulation) => {
    const connection = simulation.anyConnection
    if (connection === undefined) return
    connection.isSlow = true
    simulation.later(simulation.chance.below(5000), () => {
      connection.isSlow = false
    })
  },
  'kill a node': (simulation) => simulation.killNode(),
  'lose events': (simulation) => {
    const { way } = simulation.anyNode
    way.lossPercent = 20 + simulation.chance.below(60)
    simulation.later(simulation.chance.below(2000), () => {
      way.lossPercent = 0
    })
  },
  'take the broker away': (simulation) => {
    const { way } = simulation.anyNode
    way.lose()
    simulation.later(simulation.chance.below(20_000), () => way.return())
  },
  sleep: (simulation) => simulation.advance(simulation.chance.below(40_000)),
}

/** One round: nodes, clients and a broker in simulated time, under faults that the seed chooses. */
export class Simulation {
  readonly clock = new FakeClock()
  readonly chance: Chance
  readonly storage: Storage
  readonly clients: Client[] = []
  readonly published: Published[] = []
  readonly log: string[] = []
  #nodes: Node[] = []
  #made = 0

  constructor(seed: number) {
    this.chance = new Chance(seed)
    this.storage = new Storage(this.clock, this.chance)
  }

  get anyNode(): Node {
    return this.chance.of(this.#nodes)
  }

  get anyConnection(): SimulatedConnection | undefined {
    const open = this.clients.flatMap(({ connection }) => (connection?.isOpen === true ? [connection] : []))
    return open.length === 0 ? undefined : this.chance.of(open)
  }

  /** @param hasOlderCopies whether the broker comes back from an older copy of its storage */
  async run(steps: number, hasOlderCopies: boolean): Promise<void> {
    for (let node = 0; node < 2 + this.chance.below(2); node += 1) this.#startNode()
    for (let client = 0; client < 3 + this.chance.below(4); client += 1) this.#startClient(client)
    await this.advance(1000)
    for (let step = 0; step < steps; step += 1) {
      for (let count = this.chance.below(6); count > 0; count -= 1) this.#publish()
      await this.advance(this.chance.below(100))
      if (this.chance.below(4) === 0) await this.#fault()
      if (hasOlderCopies && this.chance.below(steps) < 2) {
        if (this.chance.below(2) === 0) await this.#leaveBehind()
        this.log.push(`${this.clock.now()} older copy`)
        await this.storage.restoreOlder()
      }
    }
    await this.#heal()
  }

  /** @param hasLost whether the broker came back from an older copy */
  evidence(hasLost: boolean): Evidence {
    const { storage, published } = this
    const stored = storage.log.map(({ topic, message: { position, previousMark, content }, life }) => ({
      topic,
      name: nameOf(content),
      position,
      previousMark,
      life,
      isKept: storage.keeps(topic, position.mark),
    }))
    const clients = this.clients.map(({ link, seen }) => ({ status: link.status, seen }))
    return { stored, published, clients, lost: hasLost ? 'confirmed' : 'nothing' }
  }

  async advance(ms: number): Promise<void> {
    const end = this.clock.now() + ms
    while (this.clock.now() < end) {
      this.clock.advance(Math.min(ms > 5000 ? 50 : 5, end - this.clock.now()))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  later(ms: number, action: () => void): void {
    this.clock.after(ms, action)
  }

  killNode(): void {
    const node = this.anyNode
    this.#nodes = this.#nodes.filter((each) => each !== node)
    node.way.end()
    for (const connection of node.connections) connection.end(1006, { tellsServer: false })
    this.#startNode()
  }

  async #fault(): Promise<void> {
    const name = this.chance.of(Object.keys(faults))
    this.log.push(`${this.clock.now()} ${name}`)
    await faults[name]!(this)
  }

  /** For a moment, a node gets no events, while clients come to it that have more messages. */
  async #leaveBehind(): Promise<void> {
    const { way } = this.anyNode
    this.log.push(`${this.clock.now()} leave a node behind`)
    way.lossPercent = 100
    this.later(this.chance.below(5000), () => {
      way.lossPercent = 0
    })
    for (let count = 0; count < 4; count += 1) this.#publish()
    await this.advance(60)
    for (const { connection } of this.clients) connection?.end(1006)
    await this.advance(this.chance.below(2000))
  }

  /** Faults end, and there is time for everything to become whole. */
  async #heal(): Promise<void> {
    await this.advance(70_000)
    for (const { way } of this.#nodes) {
      way.return()
      way.lossPercent = 0
    }
    for (const { connection } of this.clients) if (connection?.isStalled === true) connection.end(1006)
    await this.advance(70_000)
  }

  #startNode(): void {
    const way = this.storage.connect()
    const hub = new Hub(
      { topics: { 'room.*': { publish: true } }, broker: way, ringCount: 20, error: () => undefined },
      { clock: this.clock, random: webRandom, payload: webPayload, report: () => undefined },
    )
    this.#nodes.push({ hub, way, connections: new Set() })
  }

  #startClient(index: number): void {
    const simulation = this
    class Socket extends ClientEnd {
      constructor() {
        super()
        simulation.#connect(client, this)
      }
    }
    const client: Client = {
      link: undefined as never,
      seen: new Map(topics.map((topic) => [topic, []])),
      connection: undefined,
      items: new Map(),
    }
    this.clients.push(client)
    const link = new LinkBase(
      'ws://simulated/',
      { WebSocket: Socket, timeoutMs: 60_000, maxWaitMs: 5000 },
      this.#platform(index),
    )
    Object.assign(client, { link })
    for (const topic of topics) {
      const seen = client.seen.get(topic)!
      link.subscribe(topic, ({ data, position }) => seen.push({ message: String(data), position: position! }), {
        slow: this.chance.of(['catch-up', 'close']),
        started: ({ recovered, reason, position }) => seen.push({ started: recovered, reason, position }),
      })
    }
  }

  #platform(index: number): LinkPlatform {
    const chance = new Chance(this.chance.below(2 ** 31) + index)
    return {
      now: () => this.clock.now(),
      random: () => chance.next(),
      after: (delayMs, callback) => {
        const timer = this.clock.after(delayMs, callback)
        return () => timer.cancel()
      },
      onPage: () => () => undefined,
    }
  }

  #connect(client: Client, socket: ClientEnd): void {
    const node = this.anyNode
    this.#made += 1
    const connection = new SimulatedConnection(socket, `connection ${this.#made}`, this)
    socket.connection = connection
    this.later(this.chance.below(30), () => {
      if (!this.#nodes.includes(node)) {
        socket.onclose?.({ code: 1006, reason: '' } as never)
        return
      }
      client.connection = connection
      node.connections.add(connection)
      node.hub.handlers().open(connection.server as never)
      connection.open()
    })
  }

  #publish(): void {
    const { link } = this.chance.of(this.clients)
    const topic = this.chance.of(topics)
    const published: Published = { topic, name: `message ${this.published.length}`, end: undefined }
    this.published.push(published)
    link.publish(topic, published.name).then(
      (position) => {
        published.end = position
      },
      (error: LinkError) => {
        published.end = error
      },
    )
  }
}
