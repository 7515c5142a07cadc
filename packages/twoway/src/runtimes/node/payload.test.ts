import assert from 'node:assert/strict'
import { test } from 'node:test'
import { payloadContract } from '../../ports/payload.contract.js'
import { nodePayload } from './payload.js'

payloadContract('node', nodePayload)

test('gives Buffers, as Node users expect them', () => {
  assert.ok(Buffer.isBuffer(nodePayload.allocate(3)))
  assert.ok(Buffer.isBuffer(nodePayload.copy(new Uint8Array(3), 0, 2)))
})
