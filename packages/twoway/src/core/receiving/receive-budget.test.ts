import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { MemoryHolder } from '../../ports/memory-budget.js'
import { ReceiveBudget } from './receive-budget.js'

/** A holder that releases its memory when it is evicted. */
class Holder implements MemoryHolder {
  isGone = false
  readonly checks: (readonly [now: number, timeoutMs: number])[] = []

  evict(): void {
    this.isGone = true
  }

  checkProgress(now: number, timeoutMs: number): void {
    this.checks.push([now, timeoutMs])
  }
}

function fill(budget: ReceiveBudget, amounts: readonly number[]) {
  return amounts.map((bytes) => {
    const holder = new Holder()
    const share = budget.open(holder)
    share.set(bytes)
    return { holder, share, bytes }
  })
}

describe('ReceiveBudget', () => {
  it('allows seven eighths of the limit, and not one byte more', () => {
    for (const [amount, isGone] of [
      [6999, false],
      [7000, false],
      [7001, true],
    ] as const) {
      const budget = new ReceiveBudget(8000)
      const [only] = fill(budget, [amount])
      assert.equal(only!.holder.isGone, isGone)
      assert.equal(budget.used, isGone ? 0 : amount)
    }
  })

  it('evicts the holder of the most bytes, not the latest', () => {
    const budget = new ReceiveBudget(8000)
    const all = fill(budget, [100, 4000, 1500, 1400, 1])
    assert.deepEqual(
      all.map(({ holder }) => holder.isGone),
      [false, true, false, false, false],
    )
    assert.equal(budget.used, 3001)
  })

  it('evicts as many holders as necessary', () => {
    const budget = new ReceiveBudget(8000)
    const small = fill(budget, [900, 1800, 900, 1900, 900])
    const [large] = fill(budget, [7500])
    assert.equal(large!.holder.isGone, true)
    assert.deepEqual([small.every(({ holder }) => !holder.isGone), budget.used], [true, 6400])
  })

  it('evicts a holder of at least half as much as any other, in random sequences', () => {
    const step = fc.tuple(fc.nat(30), fc.oneof(fc.nat(100), fc.nat(100_000), fc.nat(4_000_000)))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const limit = 8_000_000
        const budget = new ReceiveBudget(limit)
        const held = new Map<number, number>()
        const shares = Array.from({ length: 31 }, (_, index) => {
          const evict = (): void => {
            const bytes = held.get(index)!
            assert.ok(2 * bytes > Math.max(...held.values()), `${bytes} of ${[...held.values()]}`)
            held.delete(index)
          }
          return budget.open({ evict })
        })
        for (const index of shares.keys()) held.set(index, 0)
        for (const [index, bytes] of steps) {
          // Evicted holders are gone.
          if (!held.has(index)) continue
          held.set(index, bytes)
          shares[index]!.set(bytes)
          const sum = [...held.values()].reduce((one, other) => one + other, 0)
          assert.ok(sum <= (limit / 8) * 7)
          assert.equal(budget.used, sum)
        }
      }),
    )
  })

  it('counts nothing for closed shares, and does not call their holders', () => {
    const budget = new ReceiveBudget(8000)
    const [one, other] = fill(budget, [1000, 2000])
    budget.checkProgress(5, 30)
    one!.share.close()
    one!.share.close()
    one!.share.set(500)
    assert.deepEqual([budget.used, budget.holders], [2000, 1])
    budget.checkProgress(6, 30)
    assert.deepEqual(one!.holder.checks, [[5, 30]])
    assert.deepEqual(other!.holder.checks, [
      [5, 30],
      [6, 30],
    ])
    other!.share.close()
    assert.deepEqual([budget.used, budget.holders], [0, 0])
  })

  it('continues if a holder does not release its memory', () => {
    const budget = new ReceiveBudget(8000)
    let asked = 0
    const share = budget.open({
      evict() {
        asked += 1
        share.set(9000)
      },
    })
    share.set(9000)
    assert.deepEqual([asked, budget.used, budget.holders], [1, 0, 0])
  })

  it('accepts sizes beyond those of any message', () => {
    const budget = new ReceiveBudget(2 ** 50)
    const all = fill(budget, [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40])
    assert.equal(budget.holders, 6)
    for (const { share } of all) share.close()
    assert.deepEqual([budget.used, budget.holders], [0, 0])
  })
})
