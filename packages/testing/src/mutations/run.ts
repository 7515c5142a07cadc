/**
 * `npm run test:mutations -- [--count 1000000] [--seed 6455] [--at INDEX]`: has the library read mutated handshakes,
 * frames and compressed streams. `--seed any` takes a new seed; `--at` repeats and describes the input of that number.
 */
import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { violations } from '../../../twoway/dist/core/errors.js'
import { wholeNumber } from '../whole-number.js'
import { describeTrial, runTrials } from './trials.js'
import type { WorkerOrder, WorkerReport } from './trials-worker.js'

/** The time after which an input counts as hung. */
const hungMs = 30_000

/** Violations that the server checks outside the core, or that the bytes of a peer alone cannot cause here. */
const outOfReach = new Set(['hostForbidden', 'originForbidden', 'tooManyMessages', 'tooManyBytes', 'messageTooSlow'])

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '6455' },
    at: { type: 'string' },
  },
})
const count = wholeNumber('count', values.count, 1)
const seed = values.seed === 'any' ? randomInt(2 ** 31) : wholeNumber('seed', values.seed)
if (values.at === undefined) await tryMany()
else tryAgain(wholeNumber('at', values.at))

function tryAgain(index: number): void {
  console.log(describeTrial(seed, index))
  const met = runTrials({ seed, first: index, count: 1, step: 1 })
  console.log(`kept its promises; errors: ${[...met.keys()].join(', ') || 'none'}`)
}

async function tryMany(): Promise<void> {
  const threads = availableParallelism()
  console.log(`${count} inputs, seed ${seed}, ${threads} threads`)
  const begun = performance.now()
  const at = new Int32Array(new SharedArrayBuffer(4 * threads)).fill(-1)
  const share = (slot: number): number => Math.ceil((count - slot) / threads)
  const orders = Array.from({ length: threads }, (_, slot) => ({
    seed,
    first: slot,
    count: share(slot),
    step: threads,
    at,
    slot,
  }))
  const reports = await Promise.all(orders.map(work))
  const met = new Map<string, number>()
  for (const report of reports) {
    if ('failure' in report) fail(report.failure)
    else for (const [code, times] of report.met) met.set(code, (met.get(code) ?? 0) + times)
  }
  const codes = Object.keys(violations).filter((code) => !outOfReach.has(code))
  for (const code of codes) console.log(`${String(met.get(code) ?? 0).padStart(8)} ${code}`)
  const missed = codes.filter((code) => !met.has(code))
  if (missed.length > 0 && count >= 1_000_000) fail(`the inputs never reached ${missed.join(', ')}`)
  const seconds = (performance.now() - begun) / 1000
  console.log(
    `${count} inputs, each read whole and cut: only ProtocolError and HandshakeError; ${seconds.toFixed(1)} s, ` +
      `${Math.round(count / seconds)} a second`,
  )
}

/** Resolves with the findings of a worker. A worker that stays at one input counts as hung. */
function work(order: WorkerOrder): Promise<WorkerReport> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./trials-worker.js', import.meta.url), { workerData: order })
    let last = -1
    const watch = setInterval(() => {
      const index = order.at[order.slot]!
      if (index === last && index !== -1) fail(`read for more than ${hungMs} ms\n${describeTrial(seed, index)}`)
      last = index
    }, hungMs)
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => clearInterval(watch))
  })
}

function fail(sentence: string): never {
  console.error(sentence)
  process.exit(1)
}
