/**
 * `npm run test:broker-outage -- --broker redis [--seconds 60]`: the broker is away for a while. No node dies, memory stays
 * bounded, volatile messages reach the clients of the same node, stored publishes fail by their deadline, and presence says that
 * it is stale. Within 5 seconds of the broker's return everything holds again.
 */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Link, type LinkError, type PresenceView } from 'twoway/link'
import { startTestedBroker } from './tested-broker.js'
import { TestedNode } from './tested-node.js'

const { values } = parseArgs({
  options: { broker: { type: 'string', default: '' }, seconds: { type: 'string', default: '60' } },
})
const seconds = Number(values.seconds)
const topic = 'hall.1'
/** The time for a stored publish: the brokers of the suite give up after 2 seconds. */
const deadlineMs = 3000
const returnMs = 5000
const mostGrowth = 32 << 20

const problems: string[] = []
function check(isTrue: boolean, problem: string): void {
  if (!isTrue) problems.push(problem)
}

/** Waits for a condition, and adds a problem if it does not come. */
async function expect(isTrue: () => boolean, withinMs: number, problem: string): Promise<void> {
  const end = performance.now() + withinMs
  while (!isTrue() && performance.now() < end) await sleep(10)
  check(isTrue(), problem)
}

interface Client {
  readonly link: Link
  readonly stored: unknown[]
  volatile: number
  gaps: number
  view: PresenceView | undefined
}

function connect(user: string, { port }: TestedNode): Client {
  const link = new Link(`ws://127.0.0.1:${port}/`, { token: () => user, timeoutMs: deadlineMs, maxWaitMs: 100 })
  const client: Client = { link, stored: [], volatile: 0, gaps: 0, view: undefined }
  link.subscribe(
    topic,
    ({ data, position }) => {
      if (position === undefined) client.volatile += 1
      else client.stored.push(data)
    },
    {
      started: ({ recovered }) => {
        if (!recovered) client.gaps += 1
      },
      presence: (view) => {
        client.view = view
      },
    },
  )
  return client
}

const broker = await startTestedBroker(values.broker)
const nodes = [await TestedNode.start(broker.address, 20), await TestedNode.start(broker.address, 20)] as const
const clients = ['a', 'b', 'c', 'd'].map((user, index) => connect(user, nodes[index < 2 ? 0 : 1]))
const [writer] = clients as [Client]
const seesAll = ({ view }: Client): boolean => view?.stale === false && view.members.length === clients.length
await expect(() => clients.every(seesAll), 10_000, 'the clients do not see each other')
await writer.link.publish(topic, 'before')
await expect(() => clients.every(({ stored }) => stored.length === 1), 5000, 'the clients do not get the first message')
const before = await Promise.all(nodes.map((node) => node.ask({ figures: true })))

await broker.kill()
const text = 'x'.repeat(1000)
const pending: Promise<void>[] = []
const ends: Record<string, number> = {}
let longestMs = 0
let volatileSent = 0
const goneAt = performance.now()
for (let turn = 0; performance.now() - goneAt < seconds * 1000; turn += 1) {
  const begunAt = performance.now()
  const ended = (how: string): void => {
    ends[how] = (ends[how] ?? 0) + 1
    longestMs = Math.max(longestMs, performance.now() - begunAt)
  }
  // A hub reads no further from a client that has 64 publishes without an answer.
  for (const { link } of turn % 10 === 0 ? clients : []) {
    pending.push(
      link.publish(topic, text).then(
        () => ended('stored'),
        ({ code }: LinkError) => ended(code),
      ),
    )
  }
  await writer.link.publish(topic, 'volatile', { volatile: true })
  volatileSent += 1
  await sleep(10)
}
const during = await Promise.all(nodes.map((node) => node.ask({ figures: true })))
const neighbours = clients.slice(0, 2)
// The connection may take a moment to notice the loss.
for (const { volatile } of neighbours) {
  check(
    volatile > volatileSent * 0.9,
    `${volatile} of ${volatileSent} volatile messages came to the clients of the same node`,
  )
}
for (const { view, link } of clients) {
  check(view?.stale === true, 'presence does not say that it is stale')
  check((view?.members.length ?? 0) > 0, 'presence shows nobody')
  check(link.status.state === 'online', `a link is ${link.status.state}`)
}
for (const [index, { held }] of during.entries()) {
  const growth = held - before[index]!.held
  check(growth < mostGrowth, `node ${index} holds ${(growth / 2 ** 20).toFixed(1)} MiB more`)
}
check(
  nodes.every(({ isUp }) => isUp),
  'a node died',
)

await broker.run()
const returnedAt = performance.now()
const leftMs = (): number => returnMs - (performance.now() - returnedAt)
for (;;) {
  const isStored = await writer.link.publish(topic, 'after').then(
    () => true,
    () => false,
  )
  if (isStored || leftMs() < 0) break
}
const hasLast = ({ stored }: Client): boolean => stored.includes('after')
const isWhole = (): boolean => clients.every((client) => hasLast(client) && seesAll(client))
while (!isWhole() && leftMs() > 0) await sleep(10)
const wholeMs = performance.now() - returnedAt
for (const [index, client] of clients.entries()) {
  check(hasLast(client), `client ${index} has no message 5 s after the return`)
  check(seesAll(client), `client ${index} sees ${JSON.stringify(client.view)} 5 s after the return`)
}
await Promise.all(pending)
check(longestMs < deadlineMs + 1000, `a publish ended after ${longestMs} ms`)
check((ends.stored ?? 0) < clients.length * 50, `${ends.stored} publishes were acknowledged without a broker`)
for (const { gaps, stored } of clients) {
  check(gaps === 0, 'a client was told of a gap')
  check(stored.join() === writer.stored.join(), 'the clients saw different messages')
}

console.log(
  `${values.broker} was away for ${seconds} s: ${pending.length} stored publishes ended as ${JSON.stringify(ends)}, the last one after ` +
    `${Math.round(longestMs)} ms; ${neighbours[1]!.volatile} of ${volatileSent} volatile messages came to the other client of the node; ` +
    `nodes held ${during.map(({ held }, index) => ((held - before[index]!.held) / 2 ** 20).toFixed(1)).join(' and ')} MiB more. ` +
    `${Math.round(wholeMs)} ms after its return all held again.`,
)
for (const problem of problems) console.error(`NOT AS PROMISED: ${problem}`)
for (const { link } of clients) link.close()
for (const node of nodes) await node.end()
await broker.end()
process.exit(problems.length === 0 ? 0 : 1)
