import { setTimeout as sleep } from 'node:timers/promises'
import type { ResumableTopic, TopicPosition } from 'twoway/hub'
import { Chance } from 'twoway-testing/topic-faults/chance.js'
import { nameOf, type StoredMessage } from 'twoway-testing/topic-faults/oracle.js'
import { Child } from './child.js'
import { connectBroker } from './connect-broker.js'
import type { Heads, LinksConfig, LinksOrder, Verdict } from './links.js'
import type { TestedBroker } from './tested-broker.js'
import { TestedNode } from './tested-node.js'
import { topics } from './topics.js'

const links = 50
/** A ring that is shorter than some absences, so that the broker is asked too. */
const ringCount = 20
/** The time in which everything must become whole again after the last fault. */
const healMs = 30_000

/** Messages of the rounds before that are read too. Clients have seen these. */
const messagesBefore = 10

/** A fault, done with when its promise resolves. */
type Fault = (system: FaultSystem, chance: Chance) => Promise<void>

const cut =
  (mishap: 'reset' | 'cut' | 'swallow' | 'stall'): Fault =>
  (system, chance) =>
    system.anyNode(chance).cutBroker(chance, mishap)

const faults: Readonly<Record<string, Fault>> = {
  'cut clients': async (system, chance) => {
    await system.anyNode(chance).ask({ cut: 1 + chance.below(25) })
  },
  'kill a node': async (system, chance) => {
    // The other one may still be starting.
    if (!system.nodes.every(({ isUp }) => isUp)) return
    const node = system.anyNode(chance)
    await node.kill()
    // Another process takes its place, some time later.
    void node.run()
  },
  'stop a node for a while': (system, chance) => system.anyNode(chance).stopFor(chance.below(300)),
  'stop the clients for a while': async ({ clients }, chance) => {
    clients.signal('SIGSTOP')
    await sleep(chance.below(200))
    clients.signal('SIGCONT')
  },
  'reset the connections of a node to the broker': cut('reset'),
  'end the connections of a node to the broker': cut('cut'),
  'lose what a node and the broker send, one way': cut('swallow'),
  'stall what a node and the broker send, one way': cut('stall'),
}

export interface RoundResult extends Verdict {
  readonly log: readonly string[]
}

/** Two nodes and 50 links on a broker, in processes of their own, which live through many rounds. */
export class FaultSystem {
  readonly broker: TestedBroker
  readonly nodes: readonly TestedNode[]
  readonly clients: Child<LinksOrder, unknown>
  /** The topics as an observer has them that no fault of the network concerns. */
  readonly #observed: ReadonlyMap<string, ResumableTopic>
  #life = 0
  #log: string[] = []
  /** The positions of the newest messages: those at the last time when all were whole, and those when the round began. */
  #newest: Heads = {}
  #begun: Heads = {}

  private constructor(
    broker: TestedBroker,
    nodes: readonly TestedNode[],
    clients: Child<LinksOrder, unknown>,
    observed: ReadonlyMap<string, ResumableTopic>,
  ) {
    this.broker = broker
    this.nodes = nodes
    this.clients = clients
    this.#observed = observed
  }

  static async start(broker: TestedBroker): Promise<FaultSystem> {
    // Each node has another client of Redis.
    const nodes = await Promise.all(
      ['ioredis', '@redis/client'].map((client) => TestedNode.start({ ...broker.address, client }, ringCount)),
    )
    const config: LinksConfig = { links, ports: nodes.map(({ port }) => port) }
    const clients = await Child.start<LinksOrder, unknown>('links', config)
    const observer = await connectBroker(broker.address)
    const observed = new Map<string, ResumableTopic>()
    const silent = { stored: () => undefined, volatile: () => undefined }
    for (const topic of topics) observed.set(topic, await observer.open(topic, silent))
    const system = new FaultSystem(broker, nodes, clients, observed)
    const stored = await system.#settle(false)
    await clients.ask({ judge: stored, lost: 'nothing' })
    return system
  }

  anyNode(chance: Chance): TestedNode {
    const up = this.nodes.filter(({ isUp }) => isUp)
    return chance.of(up.length > 0 ? up : this.nodes)
  }

  /** @param restores one of as many rounds puts an older copy of the broker's data back */
  async round(seed: number, restores: number): Promise<RoundResult> {
    const chance = new Chance(seed)
    this.#log = []
    this.#begun = this.#newest
    const lost: StoredMessage[] = []
    const goesBack = chance.below(restores) === 0
    if (goesBack) await this.#do('keep a copy of the data', () => this.broker.save())
    await this.#phase(`${seed}`, chance)
    if (goesBack) {
      // Clients that have seen all messages must be told, and those that were cut off too.
      const isWhole = chance.below(2) === 0
      if (isWhole) lost.push(...(await this.#settle(false)))
      await this.#do(`put the older copy back${isWhole ? ', when all are whole' : ''}`, () => this.broker.restore())
      this.#life += 1
      if (chance.below(2) === 0) await this.#phase(`${seed}.again`, chance)
    }
    await this.#do('each publish ended', () => this.#ask({ ended: true }))
    // In the other rounds the topics stay quiet, so that gaps must be noticed without a later message.
    if (chance.below(4) > 0) await this.#do('publish a last message', () => this.#ask({ close: `${seed}.last` }))
    const kept = await this.#settle(goesBack)
    const isKept = new Set(kept.map(({ position }) => position.mark))
    const gone = lost.filter(({ position }) => !isKept.has(position.mark)).map((each) => ({ ...each, isKept: false }))
    const verdict = (await this.#ask({
      judge: [...gone, ...kept],
      lost: goesBack ? 'confirmed' : this.broker.losesAtKill,
    })) as Verdict
    return { ...verdict, log: this.#log }
  }

  async end(): Promise<void> {
    await this.clients.kill()
    for (const node of this.nodes) await node.end()
    await this.broker.end()
  }

  /** Traffic, and faults during it. */
  async #phase(name: string, chance: Chance): Promise<void> {
    const traffic = this.#do('traffic', () => this.#ask({ traffic: name, seed: chance.below(2 ** 31) }))
    // It is awaited below.
    traffic.catch(() => undefined)
    for (let count = chance.below(4); count > 0; count -= 1) {
      await sleep(chance.below(60))
      const ofBroker = Object.keys(this.broker.faults)
      const fault = chance.of([...Object.keys(faults), ...ofBroker])
      await this.#do(fault, () =>
        ofBroker.includes(fault) ? this.broker.faults[fault]!(chance) : faults[fault]!(this, chance),
      )
    }
    await traffic
  }

  async #do(name: string, act: () => Promise<unknown>): Promise<void> {
    const begun = performance.now()
    await act()
    this.#log.push(`${Math.round(begun)} to ${Math.round(performance.now())}: ${name}`)
  }

  /** Waits until the links have all that the broker has, and returns that. */
  async #settle(mayHaveLost: boolean): Promise<readonly StoredMessage[]> {
    const begun = performance.now()
    const end = begun + healMs
    for (;;) {
      const heads = await this.#heads(end)
      const isOver = performance.now() > end
      const isSettled = await this.#ask({ heads, mayHaveLost, withinMs: isOver ? 0 : 300 })
      if (isSettled !== true && !isOver) continue
      const { stored, endsAtHeads } = await this.#read(heads, end)
      if (!endsAtHeads && !isOver) continue
      this.#log.push(`${Math.round(begun)} to ${Math.round(performance.now())}: all became whole`)
      this.#newest = heads
      return stored
    }
  }

  async #heads(end: number): Promise<Heads> {
    const heads: Record<string, TopicPosition> = {}
    for (const [topic, opened] of this.#observed) heads[topic] = await answering(() => opened.head(), end)
    return heads
  }

  /** Reads the messages of the round, and some before them. More may have come since the heads were read. */
  async #read(heads: Heads, end: number): Promise<{ stored: StoredMessage[]; endsAtHeads: boolean }> {
    const stored: StoredMessage[] = []
    let endsAtHeads = true
    for (const [topic, opened] of this.#observed) {
      const earlier = this.#begun[topic]?.offset ?? 0
      const most = Math.max(0, heads[topic]!.offset - earlier) + messagesBefore
      const { head, messages } = await answering(() => opened.last(most), end)
      endsAtHeads &&= head.mark === heads[topic]!.mark
      for (const { position, previousMark, content } of messages) {
        const life = this.#life
        stored.push({ topic, name: nameOf(content), position, previousMark, life, isKept: true })
      }
    }
    return { stored, endsAtHeads }
  }

  #ask(order: LinksOrder): Promise<unknown> {
    return this.clients.ask(order)
  }
}

/** Asks again until there is an answer. */
async function answering<Answer>(ask: () => Promise<Answer>, end: number): Promise<Answer> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (performance.now() > end) throw error
      await sleep(20)
    }
  }
}
