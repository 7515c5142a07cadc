import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TimelineEntry } from './timeline-entry.js'
import { mostEntries, TimelineLog } from './timeline-log.js'

const entry = (id: number, bytes = 0): TimelineEntry => ({
  id,
  at: 0,
  kind: 'message',
  direction: 'sent',
  payload: { type: 'string', size: bytes, head: new Uint8Array(bytes), isWhole: true },
})

/** A log whose frames come when the test says, and how many it asked for. */
function logWithFrames(): { readonly log: TimelineLog; readonly frames: (() => void)[]; ids(): number[] } {
  const frames: (() => void)[] = []
  const log = new TimelineLog((flush) => frames.push(flush))
  return { log, frames, ids: () => log.entries.value.map(({ id }) => id) }
}

describe('TimelineLog', () => {
  it('shows new events once per frame, in order', () => {
    const { log, frames, ids } = logWithFrames()
    for (const id of [1, 2, 3]) log.add(entry(id))
    assert.deepEqual([ids(), frames.length], [[], 1])
    frames.shift()!()
    assert.deepEqual(ids(), [1, 2, 3])
    log.add(entry(4))
    frames.shift()!()
    assert.deepEqual(ids(), [1, 2, 3, 4])
  })

  for (const [count, removed] of [
    [mostEntries - 1, 0],
    [mostEntries, 0],
    [mostEntries + 1, 1],
    [mostEntries * 20, mostEntries * 19],
  ] as const) {
    it(`of ${count} events within a frame removes ${removed}, and says so`, () => {
      const { log, frames, ids } = logWithFrames()
      for (let id = 1; id <= count; id++) log.add(entry(id))
      frames.shift()!()
      assert.equal(ids().length, count - removed)
      assert.equal(ids().at(-1), count)
      assert.equal(log.removed.value, removed)
    })
  }

  it('removes the same number over many frames', () => {
    const { log, frames, ids } = logWithFrames()
    for (let id = 1; id <= mostEntries + 7; id++) {
      log.add(entry(id))
      frames.shift()!()
    }
    assert.deepEqual([ids().length, ids()[0], log.removed.value], [mostEntries, 8, 7])
  })

  it('replaces an event before and after it is shown, but not one that was removed', () => {
    const { log, ids } = logWithFrames()
    const head = (at: number): number | undefined => {
      const shown = log.entries.value[at]
      return shown?.kind === 'message' ? shown.payload.head?.length : undefined
    }
    log.add(entry(1))
    log.replace(entry(1, 5))
    log.flush()
    assert.equal(head(0), 5)
    log.replace(entry(1, 6))
    assert.equal(head(0), 6)
    log.replace(entry(9, 7))
    assert.deepEqual(ids(), [1])
  })

  it('forgets all when it is cleared, including the count of removed events', () => {
    const { log, ids } = logWithFrames()
    for (let id = 1; id <= mostEntries + 1; id++) log.add(entry(id))
    log.flush()
    log.add(entry(1000))
    log.clear()
    log.flush()
    assert.deepEqual([ids(), log.removed.value], [[], 0])
  })
})
