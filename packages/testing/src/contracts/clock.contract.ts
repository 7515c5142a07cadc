import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Clock } from '../../../twoway/dist/ports/clock.js'

/** The rules of the clock port, for one implementation of it. */
export function clockContract(name: string, clock: Clock): void {
  describe(`clock: ${name}`, () => {
    test('never goes back', () => {
      let before = clock.now()
      for (let count = 0; count < 1000; count += 1) {
        const now = clock.now()
        assert.ok(now >= before)
        before = now
      }
    })

    test('calls each timer once, in the order of their due times', async () => {
      const calls: string[] = []
      await new Promise<void>((resolve) => {
        clock.after(40, resolve)
        clock.after(20, () => calls.push('second'))
        clock.after(1, () => calls.push('first'))
        assert.deepEqual(calls, [])
      })
      assert.deepEqual(calls, ['first', 'second'])
    })

    test('does not call a cancelled timer, and ignores a second cancel', async () => {
      await new Promise<void>((resolve, reject) => {
        const timer = clock.after(1, () => reject(new Error('a cancelled timer called')))
        timer.cancel()
        timer.cancel()
        clock.after(20, resolve)
      })
    })

    test('calls and cancels a timer that does not keep the process alive', async () => {
      await new Promise<void>((resolve, reject) => {
        // This timer keeps the process alive meanwhile.
        const alive = clock.after(10_000, reject)
        clock.after(5, () => reject(new Error('a cancelled timer called')), false).cancel()
        clock.after(20, resolve, false)
        clock.after(60, () => alive.cancel())
      })
    })

    test('supports delays longer than the longest timer of a runtime', async () => {
      await new Promise<void>((resolve, reject) => {
        const far = [2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY].map((delayMs) =>
          clock.after(delayMs, () => reject(new Error(`called long before ${delayMs} ms`))),
        )
        clock.after(20, () => {
          for (const timer of far) timer.cancel()
          resolve()
        })
      })
    })

    test('runs tasks in order, each after the promise reactions of the previous one', async () => {
      const calls: string[] = []
      await new Promise<void>((resolve) => {
        clock.task(async () => {
          calls.push('first')
          for (let hop = 0; hop < 10; hop += 1) await undefined
          calls.push('after ten promises')
        })
        clock.task(() => calls.push('second'))
        clock.task(resolve)
        calls.push('now')
      })
      assert.deepEqual(calls, ['now', 'first', 'after ten promises', 'second'])
    })

    test('defers to the end of the turn, in order, before any timer', async () => {
      const calls: string[] = []
      await new Promise<void>((resolve) => {
        setTimeout(() => {
          setTimeout(() => calls.push('timer'), 0)
          setTimeout(resolve, 5)
          clock.defer(() => {
            calls.push('first')
            clock.defer(() => calls.push('third'))
          })
          clock.defer(() => calls.push('second'))
          calls.push('turn')
        }, 0)
      })
      assert.deepEqual(calls, ['turn', 'first', 'second', 'third', 'timer'])
    })
  })
}
