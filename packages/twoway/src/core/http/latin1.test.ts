import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeLatin1, encodeLatin1 } from './latin1.js'

test('decodes every byte to the character of its code and back, also in long ranges', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 60 }), (range, times) => {
      const bytes = new Uint8Array(range.length * times).map((_, at) => range[at % range.length]!)
      const text = decodeLatin1(bytes, 0, bytes.length)
      assert.equal(text, Buffer.from(bytes).toString('latin1'))
      assert.deepEqual(encodeLatin1(text), bytes)
    }),
  )
})

test('decodes nothing outside its range', () => {
  assert.equal(decodeLatin1(encodeLatin1('abcdef'), 2, 4), 'cd')
  assert.equal(decodeLatin1(encodeLatin1('abcdef'), 3, 3), '')
})
