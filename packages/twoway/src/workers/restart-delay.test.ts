import assert from 'node:assert/strict'
import { it } from 'node:test'
import { RestartDelay } from './restart-delay.js'

it('waits twice as long after each failure, 30 s at most, and begins anew after one that listened for 30 s', () => {
  const delay = new RestartDelay()
  const full = Array.from({ length: 11 }, () => delay.next(0, 1))
  assert.deepEqual(full, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
  assert.equal(delay.next(29_999, 1), 30_000)
  assert.equal(delay.next(30_000, 1), 100)
  assert.equal(delay.next(0, 1), 200)
})

it('waits between half of that and all of it, as chance will have it', () => {
  assert.equal(new RestartDelay().next(0, 0), 50)
  assert.equal(new RestartDelay().next(0, 0.5), 75)
})
