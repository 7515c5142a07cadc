import type { LinkError } from '../../../twoway/dist/link/link-error.js'
import type { BrokerContent } from '../../../twoway/dist/ports/broker/broker.js'
import type { TopicPosition } from '../../../twoway/dist/ports/broker/topic-position.js'

/** The events of a topic that one client saw, in order. */
export type Seen =
  | { readonly message: string; readonly position: TopicPosition }
  | { readonly started: boolean; readonly reason: string | undefined; readonly position: TopicPosition | undefined }

/** A publish, and how it ended. The names of publishes differ. */
export interface Published {
  readonly topic: string
  readonly name: string
  end: TopicPosition | LinkError | undefined
}

/** A message that the broker stored. */
export interface StoredMessage {
  readonly topic: string
  readonly name: string
  readonly position: TopicPosition
  /** The mark of its predecessor; undefined if it is not known. */
  readonly previousMark: string | undefined
  /** Grows each time the broker goes back in time. */
  readonly life: number
  /** Whether the broker has the message at the end. */
  readonly isKept: boolean
}

export interface ObservedClient {
  readonly status: { readonly state: string; readonly why: string }
  /** By topic. */
  readonly seen: ReadonlyMap<string, readonly Seen[]>
}

/** The kind of the broker's losses: messages that only clients have seen, or also messages that it had confirmed. */
export type Loss = 'nothing' | 'unconfirmed' | 'confirmed'

/** All that a round leaves for the oracle. */
export interface Evidence {
  /** All messages that were ever stored; those of a topic in their order. */
  readonly stored: readonly StoredMessage[]
  readonly published: readonly Published[]
  readonly clients: readonly ObservedClient[]
  /** The messages that the broker may have lost. */
  readonly lost: Loss
}

/**
 * The sentence that must hold after each round: each message that was acknowledged was seen exactly once and in order by each
 * client of its topic, or that client was told `recovered: false`. Returns the promises that do not hold.
 */
export function judge({ stored: all, clients, published, lost }: Evidence): string[] {
  const faults: string[] = []
  const byPlace = new Map(all.map((each) => [placeOf(each.topic, each.position), each]))
  const byName = new Map<string, StoredMessage[]>()
  for (const each of all) byName.set(each.name, [...(byName.get(each.name) ?? []), each])
  const newest = new Map(all.filter(({ isKept }) => isKept).map((each) => [each.topic, each.position]))
  for (const { topic, name, end } of published) {
    const stored = byName.get(name) ?? []
    if (end === undefined) faults.push(`${name} has no end`)
    else if (end instanceof Error) {
      if (stored.length > 0 && !end.mayHaveHappened) faults.push(`${name} was stored, and its error denies that`)
    } else {
      const found = byPlace.get(placeOf(topic, end))
      if (found === undefined) faults.push(`${name} was acknowledged, and never stored`)
      else if (!found.isKept && lost !== 'confirmed') faults.push(`${name} was acknowledged, and is lost`)
    }
    const lives = stored.map(({ life }) => life)
    if (new Set(lives).size !== lives.length) faults.push(`${name} was stored twice`)
  }
  for (const [index, { seen, status }] of clients.entries()) {
    if (status.state !== 'online') faults.push(`client ${index} is ${status.state}: ${status.why}`)
    for (const [topic, events] of seen) {
      const say = (fault: string): void => void faults.push(`client ${index}, ${topic}: ${fault}`)
      /** The place after which the next message must stand; undefined where a gap was told. */
      let last: TopicPosition | undefined
      let names = new Set<string>()
      for (const each of events) {
        if ('started' in each) {
          if (each.started) continue
          last = each.position
          // A repeated publish may bring back a message that the storage lost.
          names = new Set()
          if (lost === 'nothing' && each.reason === 'rewound') {
            say('it was told that the storage was rewound, and it was not')
          }
          continue
        }
        const { position, message } = each
        const stored = byPlace.get(placeOf(topic, position))
        if (stored?.name !== message) say(`${message} was seen where it was not stored`)
        if (names.has(message)) say(`${message} was seen twice`)
        names.add(message)
        const isNext =
          last === undefined ||
          (last.epoch === position.epoch &&
            (stored?.previousMark ?? last.mark) === last.mark &&
            position.offset === last.offset + 1)
        if (!isNext) say(`${message} at ${position.offset} does not follow ${last?.offset}, and no gap was told`)
        last = position
      }
      const head = newest.get(topic)
      if (head !== undefined && last !== undefined && head.mark !== last.mark) {
        say(`the newest message is ${head.offset}, and the last one seen is ${last.offset}`)
      }
    }
  }
  return faults
}

/** The name under which a message was published. */
export function nameOf(content: BrokerContent): string {
  return String((JSON.parse(String(content)) as { readonly data: unknown }).data)
}

function placeOf(topic: string, { epoch, offset, mark }: TopicPosition): string {
  return `${topic} ${epoch} ${offset} ${mark}`
}
