/**
 * `npm run test:topic-faults -- [--rounds N] [--seed N]`: hubs, links and a broker in simulated time, under faults that the
 * seed chooses. Each round must satisfy the oracle. A third of the rounds have a broker that comes back from an older copy.
 */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { wholeNumber } from '../whole-number.js'
import { judge } from './oracle.js'
import { Simulation } from './simulation.js'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '300' }, seed: { type: 'string', default: '1' } },
})
const rounds = wholeNumber('rounds', values.rounds, 1)
const first = values.seed === 'any' ? Math.floor(Math.random() * 2 ** 30) : wholeNumber('seed', values.seed)

const begun = Date.now()
let messages = 0
let gaps = 0
for (let seed = first; seed < first + rounds; seed += 1) {
  const hasOlderCopies = seed % 3 === 0
  const simulation = new Simulation(seed)
  await simulation.run(30, hasOlderCopies)
  const faults = judge(simulation.evidence(hasOlderCopies))
  messages += simulation.published.length
  for (const { seen } of simulation.clients) {
    for (const all of seen.values()) gaps += all.filter((each) => 'started' in each && !each.started).length
  }
  if (faults.length === 0) continue
  console.error(
    `seed ${seed} fails:\n  ${faults.slice(0, 10).join('\n  ')}\nwith these faults:\n  ${simulation.log.join('\n  ')}`,
  )
  process.exitCode = 1
  break
}
if (process.exitCode === undefined) {
  const seconds = Math.round((Date.now() - begun) / 1000)
  console.log(
    `${rounds} rounds from seed ${first}: ${messages} messages published, ${gaps} gaps told, no promise broken. This took ${seconds} s.`,
  )
}
