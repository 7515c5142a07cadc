import assert from 'node:assert/strict'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { youngGeneration } from './young-generation.js'

test('makes V8 collect its young generation by filling it', { skip: 'bun' in process.versions }, async () => {
  const kinds: unknown[] = []
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) kinds.push((entry as unknown as { detail: { kind: number } }).detail.kind)
  })
  observer.observe({ entryTypes: ['gc'] })
  youngGeneration.fill(youngGeneration.room())
  for (let turn = 0; kinds.length === 0 && turn < 1000; turn += 1) await setImmediate()
  observer.disconnect()
  assert.ok(kinds.includes(constants.NODE_PERFORMANCE_GC_MINOR), `collected: ${kinds.join(', ')}`)
})
