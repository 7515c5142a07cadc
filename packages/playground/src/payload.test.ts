import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { binaryBytes, equalBytes, keptBytes, payloadOf, readHead } from './payload.js'

describe('payloadOf', () => {
  it('counts a text by its bytes in UTF-8', () => {
    const { type, size, head } = payloadOf('ü世🌍')
    assert.deepEqual([type, size, head?.length], ['string', 9, 9])
  })

  for (const length of [keptBytes - 1, keptBytes, keptBytes + 1]) {
    const isWhole = length <= keptBytes
    it(`keeps of ${length} bytes ${isWhole ? 'all' : 'the first'}, whatever their type`, async () => {
      for (const data of ['a'.repeat(length), new ArrayBuffer(length), new Blob([new Uint8Array(length)])]) {
        const payload = payloadOf(data)
        const head = data instanceof Blob ? await readHead(data) : payload.head!
        assert.deepEqual([payload.size, payload.isWhole, head.length], [length, isWhole, Math.min(length, keptBytes)])
      }
    })
  }

  it('keeps a copy, which later changes by the sender do not affect', () => {
    const bytes = Uint8Array.of(1)
    const { head } = payloadOf(bytes.buffer)
    bytes[0] = 2
    assert.deepEqual(head, Uint8Array.of(1))
  })

  it('has no bytes of a Blob before it is read', () => assert.equal(payloadOf(new Blob(['x'])).head, undefined))
})

it('binaryBytes returns the bytes of a Blob and of an ArrayBuffer, and undefined for text', async () => {
  assert.deepEqual(await binaryBytes(new Blob(['ab'])), Uint8Array.of(97, 98))
  assert.deepEqual(await binaryBytes(Uint8Array.of(97, 98).buffer), Uint8Array.of(97, 98))
  assert.equal(await binaryBytes('ab'), undefined)
})

it('equalBytes counts to the first difference', () => {
  assert.equal(equalBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)), 3)
  assert.equal(equalBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 9, 3)), 1)
  assert.equal(equalBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2)), 2)
})
