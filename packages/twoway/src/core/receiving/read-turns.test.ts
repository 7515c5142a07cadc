import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { ReadTurns } from './read-turns.js'
import { ReceiveBudget } from './receive-budget.js'

const kib = 1 << 10
const turnBytes = 2048 * kib
const fewBytes = 16 * kib * kib

/** A budget of which this many bytes are used. */
function budgetOf(used: number, limit = 1 << 30): ReceiveBudget {
  const budget = new ReceiveBudget(limit)
  budget.open({ evict() {} }).set(used)
  return budget
}

describe('ReadTurns', () => {
  it('lets connections read until the bytes of the turn are used up, then only those that hold little', () => {
    const clock = new FakeClock()
    const turns = new ReadTurns(clock, budgetOf(fewBytes))
    assert.equal(turns.mayReadOn(turnBytes - 1, turnBytes), true)
    assert.equal(turns.mayReadOn(1, 64 * kib), false)
    assert.equal(turns.mayReadOn(64 * kib, 64 * kib - 1), true)
    clock.runTasks()
    assert.equal(turns.mayReadOn(64 * kib, turnBytes), true)
  })

  it('lets connections read however much they bring while all of them hold little, but not those that discard it', () => {
    for (const [used, limit, isBounded] of [
      [fewBytes - 1, 1 << 30, false],
      [fewBytes, 1 << 30, true],
      [fewBytes / 16 - 1, fewBytes, false],
      [fewBytes / 16, fewBytes, true],
    ] as const) {
      const turns = new ReadTurns(new FakeClock(), budgetOf(used, limit))
      for (let count = 0; count < 100; count++) turns.mayReadOn(turnBytes, turnBytes)
      assert.equal(turns.mayReadOn(turnBytes, turnBytes), !isBounded, `${used} of ${limit}`)
      turns.mayReadOn(turnBytes, Number.POSITIVE_INFINITY)
      assert.equal(turns.mayReadOn(turnBytes, Number.POSITIVE_INFINITY), false)
    }
  })

  it('calls those that wait in their order, 32 in a turn', () => {
    const clock = new FakeClock()
    const turns = new ReadTurns(clock, budgetOf(fewBytes))
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
    const turns = new ReadTurns(clock, budgetOf(fewBytes))
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
    const turns = new ReadTurns(clock, budgetOf(fewBytes))
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
