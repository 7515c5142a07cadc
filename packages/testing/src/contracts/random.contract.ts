import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Random } from '../../../twoway/dist/ports/random.js'

/** The rules of the random port, for one implementation of it. */
export function randomContract(name: string, random: Random): void {
  describe(`random: ${name}`, () => {
    test('returns masking keys of 32 bits, §5.3', () => {
      for (let count = 0; count < 5000; count += 1) {
        const key = random.maskingKey()
        assert.equal(key | 0, key)
      }
    })

    test('never returns a masking key twice in a row, and sets and clears every bit, §5.3', () => {
      const keys = Array.from({ length: 5000 }, () => random.maskingKey())
      // Ten equal keys among 5000 out of 2^32 practically never occur by chance.
      assert.ok(new Set(keys).size > 4990)
      assert.equal(
        keys.reduce((bits, key) => bits | key, 0),
        -1,
      )
      assert.equal(
        keys.reduce((bits, key) => bits & key, -1),
        0,
      )
    })

    test('returns bytes of any length that the caller owns', () => {
      for (const length of [0, 1, 16, 65_536, 65_537, 200_000]) {
        const bytes = random.bytes(length)
        assert.equal(bytes.length, length)
        assert.equal(bytes.buffer.byteLength, length)
      }
      const short = Array.from({ length: 2000 }, () => random.bytes(16))
      assert.equal(new Set(short.map(String)).size, short.length)
      short[0]!.fill(0)
      assert.ok(short[1]!.some((byte) => byte !== 0))
      const first = random.bytes(200_000)
      assert.notDeepEqual(first, random.bytes(200_000))
      assert.ok(first.subarray(-1000).some((byte) => byte !== 0))
    })
  })
}
