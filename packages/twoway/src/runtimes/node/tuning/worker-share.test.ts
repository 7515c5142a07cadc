import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import { shareOf, workersBesideThis } from './worker-share.js'

afterEach(() => {
  delete process.env.TWOWAY_WORKER_SHARE
})

it('is one of so many workers, as its parent says', () => {
  assert.equal(workersBesideThis(), 1)
  process.env.TWOWAY_WORKER_SHARE = `${process.ppid}/4`
  assert.equal(workersBesideThis(), 4)
})

it('is none where a worker started it, or the variable is something else', () => {
  for (const value of [shareOf(4), '4', `${process.ppid}/0`, `${process.ppid}/x`, '']) {
    process.env.TWOWAY_WORKER_SHARE = value
    assert.equal(workersBesideThis(), 1, value)
  }
})
