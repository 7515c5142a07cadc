import assert from 'node:assert/strict'
import { test } from 'node:test'
import { areDistinctTokens, isFieldValue, isSameText, isToken, splitList, trimSpace } from './field-syntax.js'

const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))

test('accepts exactly the characters of a token, RFC 9110 §5.6.2', () => {
  const expected = "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~"
  assert.equal(bytes.filter(isToken).join(''), expected)
  assert.ok(isToken('permessage-deflate'))
  for (const text of ['', 'a b', 'a\n', '\na', 'a\u0131']) assert.ok(!isToken(text), JSON.stringify(text))
})

test('accepts no control character except the tab in a value, RFC 9110 §5.5', () => {
  const refused = bytes.filter((byte) => !isFieldValue(byte))
  const controls = bytes.filter((byte) => (byte < ' ' && byte !== '\t') || byte === '\x7f')
  assert.deepEqual(refused, controls)
  assert.ok(isFieldValue(''))
  for (const text of ['a\r\nb', 'a\n', 'a\0', '\u0100']) assert.ok(!isFieldValue(text), JSON.stringify(text))
})

test('skips empty elements of a list, RFC 9110 §5.6.1.2', () => {
  assert.deepEqual(splitList('foo ,bar,'), ['foo', 'bar'])
  assert.deepEqual(splitList('foo , ,bar,\tcharlie'), ['foo', 'bar', 'charlie'])
  for (const empty of ['', ',', ',   ,']) assert.deepEqual(splitList(empty), [])
})

test('trims spaces and tabs and nothing else, RFC 9110 §5.6.3', () => {
  assert.equal(trimSpace(' \t a b\t '), 'a b')
  assert.equal(trimSpace('\xa0a\v'), '\xa0a\v')
  assert.equal(trimSpace(' \t '), '')
})

test('compares tokens with regard to case, §4.1', () => {
  assert.ok(areDistinctTokens([]))
  assert.ok(areDistinctTokens(['chat', 'Chat']))
  assert.ok(!areDistinctTokens(['chat', 'chat']))
  assert.ok(!areDistinctTokens(['chat', 'super chat']))
})

test('compares whole texts without regard to the case of ASCII letters, RFC 9110 §5.1', () => {
  assert.ok(isSameText('HosT', 'hOSt'))
  assert.ok(!isSameText('Hosx', 'host'))
  assert.ok(!isSameText('Hos', 'host'))
  assert.ok(!isSameText('Hosts', 'host'))
  assert.ok(!isSameText('\xc4', '\xe4'))
  assert.ok(!isSameText('\u212a', 'k'))
  for (let code = 0x21; code < 0x7f; code += 1) {
    for (let other = 0x21; other < 0x7f; other += 1) {
      const name = String.fromCharCode(code)
      const wanted = String.fromCharCode(other)
      assert.equal(isSameText(name, wanted), name.toLowerCase() === wanted.toLowerCase())
    }
  }
})
