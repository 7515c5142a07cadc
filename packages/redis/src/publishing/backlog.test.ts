import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Backlog } from './backlog.js'

describe('Backlog', () => {
  it('counts lengths after contents that have none', () => {
    const backlog = new Backlog()
    const none = (5 as unknown as string).length
    assert.throws(() => backlog.enter(none), { name: 'TypeError', message: /must be text or bytes/ })
    backlog.enter(64 << 20)
    assert.throws(() => backlog.enter(1), /1 publishes wait/)
  })
})
