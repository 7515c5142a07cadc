import type { Simulation } from './simulation.js'
import { topics } from './simulation.js'
import type { Stored } from './storage.js'

/**
 * The sentence that must hold after each round: each message that was acknowledged was seen exactly once and in order by each
 * client of its topic, or that client was told `recovered: false`. Returns what does not hold.
 */
export function judge({ storage, clients, published }: Simulation, hasOlderCopies: boolean): string[] {
  const faults: string[] = []
  const byPlace = new Map(storage.log.map((stored) => [placeOf(stored.topic, stored.message.position), stored]))
  for (const { name, topic, end } of published) {
    const stored = storage.log.filter((each) => nameOf(each) === name)
    if (end === undefined) faults.push(`${name} has no end`)
    else if (end instanceof Error && 'mayHaveHappened' in end) {
      if (stored.length > 0 && !end.mayHaveHappened) faults.push(`${name} was stored, and its error denies that`)
    } else if (!byPlace.has(placeOf(topic, end as never))) faults.push(`${name} was acknowledged, and never stored`)
    const lives = stored.map(({ life }) => life)
    if (new Set(lives).size !== lives.length) faults.push(`${name} was stored twice`)
  }
  for (const [index, { seen, link }] of clients.entries()) {
    if (link.status.state !== 'online') faults.push(`client ${index} is ${link.status.state}: ${link.status.why}`)
    for (const topic of topics) {
      const say = (fault: string): void => void faults.push(`client ${index}, ${topic}: ${fault}`)
      /** The place after which the next message must stand; undefined where a gap was told. */
      let last: { readonly epoch: string; readonly offset: number; readonly mark: string } | undefined
      let names = new Set<string>()
      for (const each of seen.get(topic)!) {
        if ('started' in each) {
          if (each.started) continue
          last = each.position
          // What was lost by the storage may come again by a repeated publish.
          names = new Set()
          continue
        }
        const { position, message } = each
        const stored = byPlace.get(placeOf(topic, position))
        if (stored === undefined || nameOf(stored) !== message) say(`${message} was seen where it was not stored`)
        if (names.has(message)) say(`${message} was seen twice`)
        names.add(message)
        const isNext =
          last === undefined ||
          (last.epoch === position.epoch &&
            stored?.message.previousMark === last.mark &&
            position.offset === last.offset + 1)
        if (!isNext) say(`${message} at ${position.offset} does not follow ${last?.offset}, and no gap was told`)
        last = position
      }
      const newest = storage.log.findLast((each) => each.topic === topic && isKept(storage, each))
      if (newest !== undefined && last !== undefined && newest.message.position.mark !== last.mark) {
        say(`the newest message is ${newest.message.position.offset}, and the last one seen is ${last.offset}`)
      }
      if (!hasOlderCopies && seen.get(topic)!.some((each) => 'started' in each && each.reason === 'rewound')) {
        say('it was told that the storage was rewound, and it was not')
      }
    }
  }
  return faults
}

function isKept(storage: Simulation['storage'], { topic, message }: Stored): boolean {
  return storage.keeps(topic, message.position.mark)
}

function placeOf(
  topic: string,
  { epoch, offset, mark }: { readonly epoch: string; readonly offset: number; readonly mark: string },
): string {
  return `${topic} ${epoch} ${offset} ${mark}`
}

function nameOf({ message: { content } }: Stored): string {
  return String((JSON.parse(String(content)) as { readonly data: unknown }).data)
}
