/**
 * `npm run test:tls -- [--count 10000] [--seed 5246] [--at INDEX,...] [--program 'PROGRAM ARG...'] [--plain]`: plays sequences of
 * TLS messages to servers and clients of ours, and says whether the process lived, held no descriptor and served others.
 * `--seed any` takes a new seed; `--at` plays the sequences of these numbers again, and says what they are; `--program` plays
 * them to a process of Bun or Deno, as `npm run test:runtimes` does; `--plain` plays them to servers of Node's own, and ends
 * where Node does: on Node 26 it throws in `requestOCSP`.
 */
import { randomInt } from 'node:crypto'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { wholeNumber } from 'twoway-testing/whole-number.js'
import { narrowed, runSequences } from './run-sequences.js'
import { sequenceOf } from './sequence.js'

const atOnce = 120

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '5246' },
    at: { type: 'string' },
    program: { type: 'string' },
    plain: { type: 'boolean', default: false },
  },
})
const count = wholeNumber('count', values.count, 1)
const [program, ...args] = values.program?.split(' ') ?? []
const runtime = program === undefined ? undefined : { program, args }
const seed = values.seed === 'any' ? randomInt(2 ** 31) : wholeNumber('seed', values.seed)
if (values.at === undefined) await runMany()
else await runAgain(values.at.split(',').map((index) => wholeNumber('at', index.trim())))
// Peers of a process that has ended may still wait for it.
process.exit()

async function runMany(): Promise<void> {
  console.log(`${count} sequences, seed ${seed}, ${values.program ?? `Node ${process.versions.node}`}`)
  const begun = performance.now()
  const report = await runSequences({
    seed,
    indexes: Array.from({ length: count }, (_, index) => index),
    atOnce,
    isPlain: values.plain,
    runtime,
  })
  const seconds = (performance.now() - begun) / 1000
  for (const [text, times] of Object.entries(report.met).sort()) console.log(`${String(times).padStart(8)} ${text}`)
  console.log(`${String(report.opened).padStart(8)} WebSockets stood`)
  if (report.complaint === '') {
    console.log(
      `${count} sequences: the process lives, holds no descriptor, and serves others; ${seconds.toFixed(1)} s, ` +
        `${Math.round(count / seconds)} a second`,
    )
    return
  }
  console.error(report.complaint)
  process.exitCode = 1
  if (values.plain) return
  const culprits = await narrowed({ seed, atOnce, runtime }, report.suspects)
  console.error(`--seed ${seed} --at ${culprits.join(',')}`)
  if (culprits.length === 1) console.error(JSON.stringify(sequenceOf(seed, culprits[0]!)))
}

async function runAgain(indexes: readonly number[]): Promise<void> {
  for (const index of indexes) console.log(JSON.stringify(sequenceOf(seed, index)))
  const { complaint } = await runSequences({ seed, indexes, atOnce, runtime })
  if (complaint === '') return
  console.error(complaint)
  process.exitCode = 1
}
