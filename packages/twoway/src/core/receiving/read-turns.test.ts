import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { ReadTurns } from './read-turns.js'

const kib = 1 << 10
const turnBytes = 2048 * kib
const manyBytes = 16 * kib * kib

describe('ReadTurns', () => {
  it('lets connections read until the bytes of the turn are used up, then only those that hold little', () => {
    const clock = new FakeClock()
    const turns = new ReadTurns(clock)
    assert.equal(turns.mayReadOn(turnBytes - 1, turnBytes, manyBytes), true)
    assert.equal(turns.mayReadOn(1, 64 * kib, manyBytes), false)
    assert.equal(turns.mayReadOn(64 * kib, 64 * kib - 1, manyBytes), true)
    clock.runTasks()
    assert.equal(turns.mayReadOn(64 * kib, turnBytes, manyBytes), true)
  })

  it('lets connections read however much they bring while all of them hold little', () => {
    const turns = new ReadTurns(new FakeClock())
    for (let count = 0; count < 100; count++) assert.equal(turns.mayReadOn(turnBytes, turnBytes, manyBytes - 1), true)
    assert.equal(turns.mayReadOn(turnBytes, turnBytes, manyBytes), false)
  })

  it('calls those that wait in their order, 32 in a turn', () => {
    const clock = new FakeClock()
    const turns = new ReadTurns(clock)
    const called: number[] = []
    for (let index = 0; index < 70; index++) turns.wait({ takeTurn: () => called.push(index) > 0 })
    const counts: number[] = []
    while (called.length < 70) {
      clock.runTasks(1)
      counts.push(called.length)
    }
    assert.deepEqual(counts, [32, 64, 70])
    assert.deepEqual(
      called,
      Array.from({ length: 70 }, (_, index) => index),
    )
  })

  it('spends no part of a turn on those that have nothing to do', () => {
    const clock = new FakeClock()
    const turns = new ReadTurns(clock)
    let last = false
    for (let index = 0; index < 1000; index++) turns.wait({ takeTurn: () => false })
    turns.wait({
      takeTurn() {
        last = true
        return true
      },
    })
    clock.runTasks(1)
    assert.equal(last, true)
  })

  it('gives a later turn to one that waits again within its own', () => {
    const clock = new FakeClock()
    const turns = new ReadTurns(clock)
    let count = 0
    const taker = {
      takeTurn(): boolean {
        count += 1
        turns.wait(taker)
        return true
      },
    }
    for (let index = 0; index < 31; index++) turns.wait({ takeTurn: () => true })
    turns.wait(taker)
    clock.runTasks(1)
    assert.equal(count, 1)
    clock.runTasks(1)
    assert.ok(count > 1)
  })
})
