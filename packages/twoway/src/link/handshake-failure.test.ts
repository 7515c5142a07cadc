import assert from 'node:assert/strict'
import { it } from 'node:test'
import { FakeLinkSocket } from 'twoway-testing/harnesses/link-harness.js'
import { withFailures } from './handshake-failure.js'

it('withFailures makes one class for all links that are given the same class', () => {
  class Other extends FakeLinkSocket {}
  const made = withFailures(FakeLinkSocket)
  assert.equal(withFailures(FakeLinkSocket), made)
  assert.notEqual(withFailures(Other), made)
})
