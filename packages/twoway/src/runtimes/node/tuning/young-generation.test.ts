import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import process from 'node:process'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { filledGeneration, findYoungGeneration, type YoungGeneration } from './young-generation.js'

const options = { skip: 'bun' in process.versions || 'deno' in process.versions }

/** The kinds of V8's collections that this way causes. */
async function kindsOf(young: YoungGeneration): Promise<number[]> {
  const kinds: number[] = []
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) kinds.push((entry as unknown as { detail: { kind: number } }).detail.kind)
  })
  observer.observe({ entryTypes: ['gc'] })
  young.collect(young.work())
  for (let turn = 0; kinds.length === 0 && turn < 1000; turn += 1) await setImmediate()
  observer.disconnect()
  return kinds
}

/** The flags that a collection sets, in a process of its own with these options. */
async function flagsOfCollection(execArgv: readonly string[]): Promise<string[]> {
  const program = `
import { syncBuiltinESMExports } from 'node:module'
import v8 from 'node:v8'
const { findYoungGeneration } = await import(${JSON.stringify(new URL('young-generation.js', import.meta.url).href)})
const young = findYoungGeneration()
const { setFlagsFromString } = v8
const set = []
v8.setFlagsFromString = (flags) => {
  set.push(flags)
  setFlagsFromString(flags)
}
syncBuiltinESMExports()
young.collect(young.work())
console.log(JSON.stringify(set))`
  const args = [...execArgv, '--input-type=module', '-e', program]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args)
  // V8 writes there that it does not know a flag.
  assert.equal(stderr, '')
  return JSON.parse(stdout) as string[]
}

describe('the young generation', options, () => {
  it('is collected by filling it', async () => {
    const kinds = await kindsOf(filledGeneration)
    assert.ok(kinds.includes(constants.NODE_PERFORMANCE_GC_MINOR), `collected: ${kinds.join(', ')}`)
  })

  it('is collected by V8’s own function, without its filling and without the old generation', async () => {
    const young = findYoungGeneration()
    assert.notEqual(young, filledGeneration)
    assert.deepEqual(await kindsOf(young), [constants.NODE_PERFORMANCE_GC_MINOR])
    const kept = Array.from({ length: 50_000 }, (_, at) => ({ at }))
    assert.ok(young.work() > kept.length * 8)
  })

  it('is collected without V8’s other threads, which have their flags again then', async () => {
    const [without, again] = await flagsOfCollection([])
    assert.match(without!, /--no-parallel-scavenge/)
    assert.match(without!, /--no-concurrent-array-buffer-sweeping/)
    assert.equal(again, without!.replaceAll('--no-', '--'))
  })

  it('leaves options of the process for these threads as they are', async () => {
    for (const flag of ['--no-parallel-scavenge', '--single_threaded', '--no-concurrent-sweeping']) {
      assert.deepEqual(await flagsOfCollection([flag]), [], flag)
    }
  })

  it('is found without a trace that other code sees: this context and later ones have no gc', async () => {
    const program = `
import { runInNewContext } from 'node:vm'
import { findYoungGeneration, filledGeneration } from ${JSON.stringify(new URL('young-generation.js', import.meta.url).href)}
const isFound = findYoungGeneration() !== filledGeneration
console.log(isFound, 'gc' in globalThis, runInNewContext('"gc" in globalThis'))`
    // In a process of its own: `npm test` sets the flag.
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
    assert.equal(stdout, 'true false false\n')
  })
})
