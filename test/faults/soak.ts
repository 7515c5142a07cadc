/**
 * `npm run soak -- [--minutes 60] [--idle 10000] [--active 1000] [--faults 1000] [--seed N]`: keeps connections for as
 * the given time, then causes faults in others, and reports whether the server meets the safety goals. It may need a higher
 * limit of descriptors than the number of connections: `ulimit -n`.
 */
import { randomInt } from 'node:crypto'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { FaultServer } from './fault-server-process.js'
import { fewDescriptors, runRandomFaults, shortTimes } from './random-faults.js'
import { runSteadyLoad } from './steady-load.js'

const mebibyte = 2 ** 20
const mostGrowthBytes = mebibyte
const mostEchoMs = 100
const mostRecoveryMs = 5000

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    idle: { type: 'string', default: '10000' },
    active: { type: 'string', default: '1000' },
    faults: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
})
const minutes = numberOf('minutes')
const idle = numberOf('idle')
const active = numberOf('active')
const faults = numberOf('faults')
const seed = numberOf('seed')

const complaints: string[] = []
if (idle + active > 0 && minutes > 0) await soak()
if (faults > 0) await befall()
for (const complaint of complaints) console.error(`does not hold: ${complaint}`)
process.exitCode = complaints.length > 0 ? 1 : 0

/** A positive number; minutes may be a fraction. */
function numberOf(name: keyof typeof values): number {
  const value = Number(values[name])
  if (values[name] !== '' && value >= 0 && (name === 'minutes' || Number.isInteger(value))) return value
  console.error(`--${name} takes a number, not ${values[name]}`)
  process.exit(2)
}

async function soak(): Promise<void> {
  console.log(`${idle} idle and ${active} active connections for ${minutes} min`)
  // All limits are the defaults, except the number of connections, whose default is 10,000.
  const server = await FaultServer.start({ maxConnections: idle + active + 100 })
  const forMs = minutes * 60_000
  const report = await runSteadyLoad({
    server,
    idle,
    active,
    forMs,
    everyMs: Math.max(1000, forMs / 60),
    onSample: ({ atMs, connections, descriptors, heldBytes, residentBytes, echoes }) =>
      console.log(
        `${(atMs / 60_000).toFixed(1).padStart(6)} min  ${connections} connections  ${descriptors} descriptors  ` +
          `${(heldBytes / mebibyte).toFixed(2)} MiB held  ${(residentBytes / mebibyte).toFixed(1)} MiB resident  ${echoes} echoes`,
      ),
  })
  await server.kill()
  const { growthIn10Minutes, errorIn10Minutes, echoes, opened } = report
  console.log(
    `${opened} connections opened, ${echoes} echoes; what the server holds grows by ` +
      `${(growthIn10Minutes / mebibyte).toFixed(3)} MiB in 10 min, give or take ${(errorIn10Minutes / mebibyte).toFixed(3)} MiB`,
  )
  complaints.push(...report.complaints, ...(server.process.errors === '' ? [] : [server.process.errors]))
  // A slope within the error is not significant: a run of some minutes cannot resolve 1 MiB in 10 minutes.
  if (growthIn10Minutes - 2 * errorIn10Minutes > mostGrowthBytes) {
    complaints.push('memory grows by more than 1 MiB in 10 min')
  }
}

async function befall(): Promise<void> {
  console.log(`${faults} faults, seed ${seed}`)
  const server = await FaultServer.start(shortTimes, { descriptors: fewDescriptors })
  const report = await runRandomFaults({ server, count: faults, seed, atOnce: 12 })
  for (const [kind, times] of report.kinds) console.log(`${String(times).padStart(6)} ${kind}`)
  console.log(
    `others' echoes took ${report.worstEchoMs.toFixed(0)} ms at most; a client who met a fault came to its end within ` +
      `${report.longestTripMs.toFixed(0)} ms; all had recovered after ${report.recoveredMs.toFixed(0)} ms`,
  )
  await server.kill()
  complaints.push(...report.complaints)
  if (report.worstEchoMs > mostEchoMs) complaints.push(`another's echo took ${report.worstEchoMs.toFixed(0)} ms`)
  if (report.recoveredMs > mostRecoveryMs) complaints.push(`recovery took ${report.recoveredMs.toFixed(0)} ms`)
}
