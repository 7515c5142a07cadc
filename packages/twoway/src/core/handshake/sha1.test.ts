import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { sha1 } from './sha1.js'

const vectors: readonly (readonly [text: string, times: number, digest: string])[] = [
  ['abc', 1, 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', 1, '84983e441c3bd26ebaae4aa1f95129e5e54670f1'],
  ['a', 1_000_000, '34aa973cd4c4daa4f61eeb2bdbad27316534016f'],
  ['0123456701234567012345670123456701234567012345670123456701234567', 10, 'dea356a2cddd90c7a7ecedc5ebb563934f460452'],
]

for (const [text, times, digest] of vectors) {
  test(`sums ${text.length * times} bytes as in RFC 3174 §7.3`, () => {
    assert.equal(Buffer.from(sha1(Buffer.from(text.repeat(times)))).toString('hex'), digest)
  })
}

test('hashes messages of all lengths around block ends as Node does', () => {
  for (let length = 0; length < 200; length++) {
    const [message] = fc.sample(fc.uint8Array({ minLength: length, maxLength: length }), 1)
    assert.deepEqual(sha1(message!), new Uint8Array(createHash('sha1').update(message!).digest()))
  }
})
