import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StringInterner } from './string-interner.js'

function bytes(text: string): Uint8Array {
  return Buffer.from(`<${text}>`, 'latin1')
}

test('reads every text correctly, whatever was read before', () => {
  const texts = new StringInterner()
  const few = fc.constantFrom('', 'Host', 'host', 'caf\xe9', '\x80\xff', 'a'.repeat(256), 'a'.repeat(257))
  fc.assert(
    fc.property(
      fc.oneof(
        few,
        fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
      ),
      (text) => {
        for (let times = 0; times < 3; times += 1) assert.equal(texts.read(bytes(text), 1, text.length + 1), text)
      },
    ),
    { numRuns: 2000 },
  )
})
