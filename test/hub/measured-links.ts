/** Links of `npm run measure:hub`, in a process of their own. Each one subscribes to some topics. */
import { Link } from 'twoway/link'

/** Opens links, or waits until each link has received a number of messages of each topic. */
export type LinksOrder = { readonly open: number; readonly topics: readonly string[] } | { readonly whole: number }

export interface LinksAnswer {
  /** From the first lost connection to the last message; of an order to open, from the order on. */
  readonly tookMs: number
  /** From the first lost connection until all links are connected again. */
  readonly onlineMs: number
  readonly recovered: number
  readonly cpuMs: number
}

const url = process.argv[2]!
const links: Link[] = []
let topicsOfEach = 0
let messages = 0
/** Messages of all links at which they are whole. */
let wanted = 0
let starts = 0
let recovered = 0
let online = 0
let firstLossAt = 0
let onlineAt = 0
let changed: () => void = () => undefined

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise<void>((resolve) => (changed = resolve))
}

function open(topics: readonly string[]): void {
  // The shortest wait: all come back at once.
  const link = new Link(url, { maxWaitMs: 1, connectTimeoutMs: 60_000 })
  links.push(link)
  link.onStatus(({ state }) => {
    if (state === 'online') {
      online += 1
      if (online === links.length) onlineAt = performance.now()
    }
    if (state !== 'offline') return
    online -= 1
    firstLossAt ||= performance.now()
  })
  for (const topic of topics) {
    link.subscribe(
      topic,
      () => {
        messages += 1
        if (messages === wanted) changed()
      },
      {
        started(start) {
          starts += 1
          if (start.recovered) recovered += 1
          if (wanted === 0) changed()
        },
      },
    )
  }
}

async function obey(order: LinksOrder): Promise<void> {
  if ('open' in order) {
    topicsOfEach = order.topics.length
    // In turns, so that no SYN is lost.
    for (let opened = 0; opened < order.open; opened += 1) {
      open(order.topics)
      if (opened % 100 === 99) await until(() => starts === links.length * topicsOfEach)
    }
    await until(() => starts === links.length * topicsOfEach)
    return
  }
  await until(() => messages >= wanted)
  if (messages > wanted) throw new Error('a message came twice')
}

process.on('message', async (order: LinksOrder) => {
  if ('open' in order) firstLossAt = performance.now()
  wanted = 'whole' in order ? links.length * topicsOfEach * order.whole : 0
  const before = process.cpuUsage()
  await obey(order)
  const now = performance.now()
  const { user, system } = process.cpuUsage(before)
  const answer: LinksAnswer = {
    tookMs: now - firstLossAt,
    onlineMs: onlineAt - firstLossAt,
    recovered,
    cpuMs: (user + system) / 1000,
  }
  // Not at the next order: the loss that it asks about may have come before it.
  firstLossAt = 0
  messages = 0
  recovered = 0
  process.send!(answer)
})
process.on('disconnect', () => process.exit())
process.send!('ready')
