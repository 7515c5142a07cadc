import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBase64, encodeBase64 } from './base64.js'

const vectors = { '': '', f: 'Zg==', fo: 'Zm8=', foo: 'Zm9v', foob: 'Zm9vYg==', fooba: 'Zm9vYmE=', foobar: 'Zm9vYmFy' }

for (const [text, encoded] of Object.entries(vectors)) {
  test(`encodes "${text}" as RFC 4648 §10 does, and back`, () => {
    assert.equal(encodeBase64(Buffer.from(text)), encoded)
    assert.deepEqual(decodeBase64(encoded), new Uint8Array(Buffer.from(text)))
  })
}

test('encodes any octets as node does, and back', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = encodeBase64(bytes)
      assert.equal(text, Buffer.from(bytes).toString('base64'))
      assert.deepEqual(decodeBase64(text), bytes)
    }),
  )
})

const malformed = {
  'a character outside the alphabet': 'Zm9-',
  'white space': 'Zm9v ',
  'a line end behind': 'Zm9v\n',
  'no padding': 'Zg',
  'too little padding': 'Zg=',
  'too much padding': 'Zm8==',
  'padding in the middle': 'Zg==Zg==',
  'pad bits that are not zero': 'Zh==',
  'a lone digit': 'Z',
  'padding alone': '==',
}

for (const [what, text] of Object.entries(malformed)) {
  test(`refuses ${what}, RFC 4648 §3`, () => {
    assert.equal(decodeBase64(text), undefined)
  })
}
