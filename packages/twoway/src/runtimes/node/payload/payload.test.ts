import assert from 'node:assert/strict'
import { test } from 'node:test'
import { payloadContract } from 'twoway-testing/contracts/payload.contract.js'
import { nodePayload } from './payload.js'
import { sharedMemory } from './shared-memory.js'

payloadContract('node', nodePayload)

// Sockets read into the memory of WebAssembly: each range is copied there and back.
payloadContract('node, in the shared memory', {
  ...nodePayload,
  unmask(bytes, start, end, maskingKey, offset) {
    const shared = sharedMemory.bytes
    const at = (bytes.byteOffset + start) % 16
    const beside = 0xa5
    shared.fill(beside, 0, at + end - start + 64)
    shared.set(bytes.subarray(start, end), at)
    const isAscii = nodePayload.unmask(shared, at, at + end - start, maskingKey, offset)
    bytes.set(shared.subarray(at, at + end - start), start)
    shared.fill(beside, at, at + end - start)
    assert.ok(shared.subarray(0, at + end - start + 64).every((byte) => byte === beside))
    return isAscii
  },
})

test('has WebAssembly unmask, on every Node that is supported', () => {
  assert.ok(sharedMemory.unmask !== undefined)
})

test('gives Buffers, as Node users expect them', () => {
  assert.ok(Buffer.isBuffer(nodePayload.allocate(3)))
  assert.ok(Buffer.isBuffer(nodePayload.copy(new Uint8Array(3), 0, 2)))
})
