import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acceptKey, isKey } from './accept-key.js'

test('answers the key of the example, §1.3', () => {
  assert.equal(acceptKey('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
})

const keys: readonly (readonly [text: string, isOne: boolean, what: string])[] = [
  ['dGhlIHNhbXBsZSBub25jZQ==', true, 'takes 16 bytes, §4.2.1'],
  ['AQIDBAUGBwgJCgsMDQ4PEA==', true, 'takes 16 bytes, §4.1 as erratum 3150 corrects it'],
  ['AQIDBAUGBwgJCgsMDQ4PEC==', false, 'refuses pad bits that are not zero, erratum 3150'],
  ['AQIDBAUGBwgJCgsMDQ4P', false, 'refuses 15 bytes, §4.2.1'],
  ['AQIDBAUGBwgJCgsMDQ4PEBE=', false, 'refuses 17 bytes, §4.2.1'],
  ['AQIDBAUGBwgJCgsMDQ4PEA', false, 'refuses missing padding, §4.2.1'],
  ['', false, 'refuses an empty key, §4.2.1'],
]

for (const [text, isOne, what] of keys) {
  test(what, () => {
    assert.equal(isKey(text), isOne)
  })
}
