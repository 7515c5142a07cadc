import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeUtf8 } from './encode-utf8.js'

test('encodes as TextEncoder does, a lone surrogate as U+FFFD', () => {
  const units = fc.string({ unit: fc.constantFrom('a', '\0', '\x7f', '\x80', '߿', 'ࠀ', '\ud800', '\udc00', '\uffff') })
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), units), (text) => {
      assert.deepEqual(encodeUtf8(text), new TextEncoder().encode(text))
    }),
  )
})
