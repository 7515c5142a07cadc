import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ExternalMemory } from './external-memory.js'
import { prefersHeap } from './heap-text.js'
import { isTuningWanted, NodeMemoryTuning } from './memory-tuning.js'

const mebibyte = 1 << 20
const text = Buffer.alloc(2 * mebibyte, 'text')

/** Reports 48 MiB of buffers and 2 MiB of text to the tuning, and returns its counts. */
function counted(isOn: boolean): object {
  const tuning = new NodeMemoryTuning(
    isOn,
    new ExternalMemory(
      () => ({ work: () => 0, collect: () => {} }),
      () => true,
    ),
  )
  for (let count = 0; count < 48; count += 1) tuning.countBuffer(mebibyte)
  assert.equal(tuning.decodeToHeap(text, 0, text.length), heapTexts && isOn ? text.toString('latin1') : undefined)
  return tuning.counts()
}

const heapTexts = Number(prefersHeap(text.length))

describe('the tuning of memory', () => {
  it('counts its actions', () => {
    assert.deepEqual(counted(true), { on: 1, freedMemoryKept: 1, youngCollections: 2, heapTexts })
  })

  it('does nothing while it is off', () => {
    assert.deepEqual(counted(false), { on: 0, freedMemoryKept: 0, youngCollections: 0, heapTexts: 0 })
  })

  it('does nothing more after it was switched off, and still reports its earlier actions', () => {
    let collected = 0
    const young = { work: () => 0, collect: () => (collected += 1) }
    const tuning = new NodeMemoryTuning(
      true,
      new ExternalMemory(
        () => young,
        () => true,
      ),
    )
    tuning.countBuffer(24 * mebibyte)
    tuning.switchOff()
    for (let count = 0; count < 48; count += 1) tuning.countBuffer(mebibyte)
    tuning.countText(24 * mebibyte)
    assert.equal(tuning.decodeToHeap(text, 0, text.length), undefined)
    assert.equal(collected, 1)
    assert.deepEqual(tuning.counts(), { on: 0, freedMemoryKept: 1, youngCollections: 1, heapTexts: 0 })
  })

  it('also counts texts before it makes glibc keep memory', () => {
    const young = { work: () => 0, collect: () => {} }
    const tuning = new NodeMemoryTuning(
      true,
      new ExternalMemory(
        () => young,
        () => true,
      ),
    )
    tuning.countText(24 * mebibyte)
    assert.equal(tuning.counts().freedMemoryKept, 1)
  })

  it('is on unless TWOWAY_TUNE_MEMORY switches it off', () => {
    for (const value of ['0', 'false', 'off', 'no', ' 0 ', 'OFF']) {
      assert.equal(isTuningWanted({ TWOWAY_TUNE_MEMORY: value }), false, value)
    }
    for (const value of ['', '1', 'true', 'on', undefined]) {
      assert.equal(isTuningWanted({ TWOWAY_TUNE_MEMORY: value }), true, value)
    }
    assert.equal(isTuningWanted({}), true)
  })
})
