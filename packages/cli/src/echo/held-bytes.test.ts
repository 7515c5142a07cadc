import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HeldBytes } from './held-bytes.js'

describe('the bytes that a service holds', () => {
  it('are 256 MiB at most, for all connections together', () => {
    const held = new HeldBytes()
    assert.ok(held.add((256 << 20) - 1))
    assert.ok(held.add(1))
    assert.ok(!held.add(1))
    held.release(1)
    assert.ok(held.add(1))
  })

  it('are too many to read on above 128 MiB', () => {
    const held = new HeldBytes()
    held.add(128 << 20)
    assert.equal(held.isExceeded, false)
    held.add(1)
    assert.equal(held.isExceeded, true)
  })
})
