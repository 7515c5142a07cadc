import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeBase64 } from './base64.js'

const vectors = { '': '', f: 'Zg==', fo: 'Zm8=', foo: 'Zm9v', foob: 'Zm9vYg==', fooba: 'Zm9vYmE=', foobar: 'Zm9vYmFy' }

for (const [text, encoded] of Object.entries(vectors)) {
  test(`encodes "${text}" as RFC 4648 §10 does`, () => {
    assert.equal(encodeBase64(Buffer.from(text)), encoded)
  })
}

test('encodes any bytes as Node does', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.equal(encodeBase64(bytes), Buffer.from(bytes).toString('base64'))
    }),
  )
})
