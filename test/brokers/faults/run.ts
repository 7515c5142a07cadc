/**
 * `npm run test:broker-faults -- --broker nats [--rounds N] [--seed N] [--systems N] [--restores N]`: two nodes and 50 links in
 * processes of their own on a real broker, under faults that the seed chooses. Each round must satisfy the oracle of the simulated
 * faults. In one of 15 rounds, or of `restores`, the broker comes back with an older copy of its data. Several systems, each with a
 * broker of its own, make rounds at the same time: most of a round waits, for the fail-over of a cluster above all.
 */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { wholeNumber } from 'twoway-testing/whole-number.js'
import { FaultSystem } from './fault-system.js'
import { startTestedBroker } from './tested-broker.js'

const { values } = parseArgs({
  options: {
    broker: { type: 'string' },
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    systems: { type: 'string', default: '1' },
    restores: { type: 'string', default: '15' },
    verbose: { type: 'boolean', default: false },
  },
})
const rounds = wholeNumber('rounds', values.rounds, 1)
const restores = wholeNumber('restores', values.restores, 1)
const first = values.seed === 'any' ? Math.floor(Math.random() * 2 ** 30) : wholeNumber('seed', values.seed)

const start = async (): Promise<FaultSystem> => FaultSystem.start(await startTestedBroker(values.broker))
const systems = await Promise.all(Array.from({ length: wholeNumber('systems', values.systems, 1) }, start))
const begun = performance.now()
const seconds = (): string => `${Math.round((performance.now() - begun) / 1000)} s`
const sums = { published: 0, acknowledged: 0, gaps: 0 }
let next = first
let made = 0
let failed = false

/** Takes the next seed, until all are taken or one has failed. */
async function makeRounds(system: FaultSystem): Promise<void> {
  while (next < first + rounds && !failed) {
    const seed = next
    next += 1
    const { faults, log, published, acknowledged, gaps } = await system.round(seed, restores)
    made += 1
    sums.published += published
    sums.acknowledged += acknowledged
    sums.gaps += gaps
    if (values.verbose) console.log(`seed ${seed}:\n  ${log.join('\n  ')}`)
    if (faults.length > 0) {
      const shown = [...faults.slice(0, 20), `with these faults, by milliseconds:`, ...log]
      console.error(`seed ${seed} fails:\n  ${shown.join('\n  ')}`)
      failed = true
    } else if (made % 100 === 0) console.log(`${made} rounds in ${seconds()}`)
  }
}

await Promise.all(systems.map(makeRounds))
for (const system of systems) await system.end()
const { published, acknowledged, gaps } = sums
console.log(
  `${values.broker}, ${made} rounds from seed ${first}: ${published} messages published, ${acknowledged} acknowledged, ` +
    `${gaps} gaps told, ${failed ? 'a promise broken' : 'no promise broken'}. This took ${seconds()}.`,
)
process.exit(failed ? 1 : 0)
