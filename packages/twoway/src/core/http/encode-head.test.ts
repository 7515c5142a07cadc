import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../errors.js'
import { encodeHead, refuseOwnedFields } from './encode-head.js'

const isHeaderInvalid = (error: unknown) => error instanceof UsageError && error.code === 'headerInvalid'

test('writes a line for each field and an empty line, RFC 9112 §2.1', () => {
  const bytes = encodeHead('GET / HTTP/1.1', ['Host', 'a', 'X', '', 'Y', 'caf\xe9\t1'])
  assert.equal(Buffer.from(bytes).toString('latin1'), 'GET / HTTP/1.1\r\nHost: a\r\nX: \r\nY: caf\xe9\t1\r\n\r\n')
})

const invalid: Record<string, string[]> = {
  'an empty name': ['', 'a'],
  'a name with a space': ['X ', 'a'],
  'a name with a colon': ['X:', 'a'],
  'a name with a line end': ['X\r\nY', 'a'],
  'a name without a value': ['X'],
  'a value with a line end': ['X', 'a\r\nY: b'],
  'a value with a carriage return': ['X', 'a\rb'],
  'a value with a line feed': ['X', 'a\nb'],
  'a value with a NUL': ['X', 'a\0b'],
  'a value with another control character': ['X', 'a\x7fb'],
  'a value that latin1 lacks': ['X', '…'],
}

for (const [what, fields] of Object.entries(invalid)) {
  test(`refuses to write ${what}, RFC 9110 §5`, () => {
    assert.throws(() => encodeHead('GET / HTTP/1.1', fields), isHeaderInvalid)
  })
}

test('refuses a field of the owner in any case', () => {
  const owned = new Set(['upgrade'])
  assert.throws(() => refuseOwnedFields(['X', 'a', 'uPGRADE', 'b'], owned, 'the handshake'), isHeaderInvalid)
  refuseOwnedFields(['X', 'upgrade'], owned, 'the handshake')
})
