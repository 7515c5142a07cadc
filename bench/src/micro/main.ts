/**
 * `npm run bench:micro`: nanoseconds and bytes of heap for a frame, or for a read of an echo, part by part. Words choose parts:
 * `-- unmask decode`.
 */

import process from 'node:process'
import { measure } from 'mitata'
import { figures } from '../format.js'
import { subjects } from './subjects.js'

async function run(words: readonly string[]): Promise<void> {
  const chosen = subjects.filter(
    ({ part, name }) => words.length === 0 || words.some((word) => `${part} ${name}`.includes(word)),
  )
  if (chosen.length === 0) throw new Error(`No part has ${words.join(' or ')} in its name.`)
  console.log(`Node ${process.versions.node}`)
  let lastPart = ''
  for (const subject of chosen) {
    const { part, name, run } = subject
    if (part !== lastPart) console.log(`\n${part}`)
    lastPart = part
    await subject.prepare?.()
    // Without a collection before each sample, so that the cost of collections is included.
    const { p50, heap } = await measure(run, { heap: usedHeap, min_cpu_time: 200e6 })
    console.log(`  ${name.padEnd(16)} ${figures(p50).padStart(9)} ns  ${bytes(heap?.avg).padStart(12)}`)
  }
}

function usedHeap(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function bytes(average: number | undefined): string {
  return average === undefined ? '' : `${Math.max(0, Math.round(average)).toLocaleString('en')} bytes`
}

run(process.argv.slice(2)).then(
  // The echo server would keep the process alive.
  () => process.exit(),
  (error: Error) => {
    console.error(error.message)
    process.exit(1)
  },
)
