/** The links of the fault suite. They publish, keep all messages that they see, and compare them with those of the broker. */
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'twoway'
import type { TopicPosition } from 'twoway/hub'
import { Link, type LinkError, type LinkSubscription } from 'twoway/link'
import { Chance } from 'twoway-testing/topic-faults/chance.js'
import { judge, type Loss, type Published, type Seen, type StoredMessage } from 'twoway-testing/topic-faults/oracle.js'
import { childConfig, obey } from './child.js'
import { topics, topicsOf } from './topics.js'

export interface LinksConfig {
  readonly links: number
  /** The ports of the nodes. */
  readonly ports: readonly number[]
}

/**
 * - `traffic`: publishes for a while;
 * - `close`: publishes one last message to each topic;
 * - `ended`: waits until each publish has an end;
 * - `heads`: waits until each link has the heads of its topics. A cluster may tell an old head at first: one that lacks an
 *   acknowledged message, unless the broker `mayHaveLost` it;
 * - `judge`: gives the verdict, and begins a new round.
 */
export type LinksOrder =
  | { readonly traffic: string; readonly seed: number }
  | { readonly close: string }
  | { readonly ended: true }
  | { readonly heads: Heads; readonly mayHaveLost: boolean; readonly withinMs: number }
  | { readonly judge: readonly StoredMessage[]; readonly lost: Loss }

/** The position of the newest message, by topic. */
export type Heads = Readonly<Record<string, TopicPosition>>

export interface Verdict {
  readonly faults: readonly string[]
  readonly published: number
  readonly acknowledged: number
  readonly gaps: number
}

const { links, ports } = childConfig<LinksConfig>()
const beginning = 'the round begins'

/** Connects to another node each time. */
class NodeSocket extends WebSocket {
  constructor(_: string, protocols: string[]) {
    super(`ws://127.0.0.1:${ports[Math.floor(Math.random() * ports.length)]}/`, protocols)
  }
}

interface Client {
  readonly link: Link
  readonly feeds: Map<string, LinkSubscription>
  seen: Map<string, Seen[]>
}

const clients = Array.from({ length: links }, (_, index): Client => {
  const link = new Link('ws://nodes/', {
    token: () => `user ${index}`,
    WebSocket: NodeSocket as never,
    maxWaitMs: 60,
    connectTimeoutMs: 5000,
    heartbeatMs: 2000,
    timeoutMs: 15_000,
  })
  const names = topicsOf(index)
  const client: Client = { link, feeds: new Map(), seen: new Map(names.map((topic) => [topic, []])) }
  for (const topic of names) {
    const feed = link.subscribe(
      topic,
      ({ data, position }) => {
        client.seen.get(topic)!.push({ message: String(data), position: position! })
        changed()
      },
      {
        started: ({ recovered, reason, position }) => {
          client.seen.get(topic)!.push({ started: recovered, reason, position })
          changed()
        },
      },
    )
    client.feeds.set(topic, feed)
  }
  link.onStatus(() => changed())
  return client
})

let published: Published[] = []
let changed: () => void = () => undefined

/** Waits for a condition; returns whether it holds. */
async function until(isTrue: () => boolean, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs
  while (!isTrue()) {
    const leftMs = end - performance.now()
    if (leftMs <= 0) return false
    const change = new Promise<void>((resolve) => {
      changed = resolve
    })
    await Promise.race([change, sleep(leftMs, undefined, { ref: false })])
  }
  return true
}

/** By the link, or by the node to which it is connected. */
function publish(client: Client, topic: string, name: string, byNode: boolean): void {
  const { link } = client
  const made: Published = { topic, name, end: undefined }
  published.push(made)
  const end = byNode ? link.request('publish', { topic, name }) : link.publish(topic, name)
  end.then(
    (position) => {
      made.end = position as TopicPosition | undefined
      changed()
    },
    (error: LinkError) => {
      made.end = error
      changed()
    },
  )
}

async function traffic(round: string, seed: number): Promise<void> {
  const chance = new Chance(seed)
  for (let count = 10 + chance.below(25); count > 0; count -= 1) {
    const [client, topic] = [chance.of(clients), chance.of(topics)]
    const byNode = chance.below(4) === 0
    publish(client, topic, `${round}.${count}`, byNode)
    // A node may store messages together that come together.
    const more = byNode ? chance.below(4) : 0
    for (let index = 0; index < more; index += 1) publish(client, topic, `${round}.${count}.${index}`, byNode)
    if (chance.below(2) === 0) await sleep(chance.below(15))
  }
}

/** Has each topic's last message stored, so that a gap before it must be noticed. */
async function close(round: string): Promise<void> {
  for (const topic of topics) {
    for (let attempt = 0; ; attempt += 1) {
      publish(clients[attempt % clients.length]!, topic, `${round}.${topic}.${attempt}`, false)
      const last = published.at(-1)!
      await until(() => last.end !== undefined, 20_000)
      if (!(last.end instanceof Error)) break
      await sleep(20)
    }
  }
}

const hasHead = (topic: string, mark: string) => (client: Client) => {
  const feed = client.feeds.get(topic)
  return feed === undefined || feed.position?.mark === mark
}

function settled(heads: Heads, mayHaveLost: boolean): boolean {
  const isOld = published.some(
    ({ topic, end }) => end !== undefined && !(end instanceof Error) && end.offset > heads[topic]!.offset,
  )
  return (
    (mayHaveLost || !isOld) &&
    clients.every(({ link }) => link.status.state === 'online') &&
    Object.entries(heads).every(([topic, { mark }]) => clients.every(hasHead(topic, mark)))
  )
}

/** Adds the messages that the broker lost: only their publishers and readers know them. */
function withLost(stored: readonly StoredMessage[], loss: Loss): StoredMessage[] {
  const keyOf = (topic: string, { offset, mark }: TopicPosition): string => `${topic} ${offset} ${mark}`
  const all = new Map(stored.map((each) => [keyOf(each.topic, each.position), each]))
  const lost: StoredMessage[] = []
  const add = (topic: string, name: string, position: TopicPosition): void => {
    const key = keyOf(topic, position)
    if (all.has(key)) return
    const found = { topic, name, position, previousMark: undefined, life: -1 - lost.length, isKept: false }
    all.set(key, found)
    lost.push(found)
  }
  for (const { topic, name, end } of published) {
    if (loss === 'confirmed' && end !== undefined && !(end instanceof Error)) add(topic, name, end)
  }
  for (const { seen } of clients) {
    for (const [topic, events] of seen) {
      for (const each of events) if ('message' in each) add(topic, each.message, each.position)
    }
  }
  return [...lost, ...stored]
}

function verdict(stored: readonly StoredMessage[], lost: Loss): Verdict {
  const evidence = {
    stored: lost === 'nothing' ? stored : withLost(stored, lost),
    published,
    clients: clients.map(({ link, seen }) => ({ status: link.status, seen })),
    lost,
  }
  const faults = judge(evidence)
  let gaps = 0
  for (const { seen } of clients) {
    for (const events of seen.values()) {
      gaps += events.filter((each) => 'started' in each && !each.started && each.reason !== beginning).length
    }
  }
  const acknowledged = published.filter(({ end }) => !(end instanceof Error)).length
  const made = { faults, published: published.length, acknowledged, gaps }
  published = []
  for (const client of clients) {
    client.seen = new Map(
      [...client.feeds].map(([topic, { position }]) => [topic, [{ started: false, reason: beginning, position }]]),
    )
  }
  return made
}

obey<LinksOrder>((order) => {
  if ('traffic' in order) return traffic(order.traffic, order.seed)
  if ('close' in order) return close(order.close)
  if ('ended' in order) return until(() => published.every(({ end }) => end !== undefined), 30_000)
  if ('heads' in order) return until(() => settled(order.heads, order.mayHaveLost), order.withinMs)
  return verdict(order.judge, order.lost)
})
