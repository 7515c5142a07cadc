import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { concat, toHex, utf8 } from 'twoway-testing/bytes.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { UsageError } from '../errors.js'
import { isHighSurrogate, TextPieces } from './text-pieces.js'

type Piece = string | Uint8Array

/** Sends pieces as a message does: each is checked and joined, and the rest follows the last one. */
function sent(pieces: readonly Piece[]): Piece[] {
  const text = new TextPieces(webPayload)
  const joined = pieces.map((piece) => {
    text.check(piece)
    return text.join(piece)
  })
  text.checkEnd()
  const rest = text.takeRest()
  return rest === undefined ? joined : [...joined, rest]
}

const bytesOf = (pieces: readonly Piece[]): Uint8Array =>
  concat(...pieces.map((piece) => (typeof piece === 'string' ? utf8(piece) : piece)))

const isNotUtf8 = (error: unknown): boolean => error instanceof UsageError && error.code === 'messageNotUtf8'

const [high, low] = ['\ud83d', '\udc4b']

describe('TextPieces', () => {
  it('passes whole characters on as they are', () => {
    const bytes = utf8('é')
    const pieces = ['a', bytes, '', '👋']
    assert.deepEqual(sent(pieces), pieces)
    assert.equal(sent([bytes])[0], bytes)
  })

  it('keeps the first half of a character until a piece brings the second', () => {
    assert.deepEqual(sent([`a${high}`, `${low}b`]), ['a', '👋b'])
    assert.deepEqual(sent([high, '', low]), ['', '', '👋'])
  })

  it('sends U+FFFD for a half that the message ends behind', () => {
    assert.deepEqual(
      sent([`a${high}`]).map((piece) => toHex(bytesOf([piece]))),
      [toHex(utf8('a')), 'efbfbd'],
    )
  })

  it('sends U+FFFD for a half that bytes follow', () => {
    assert.equal(toHex(bytesOf(sent([high, utf8('b')]))), toHex(utf8('\ufffdb')))
  })

  it('has no rest once it was taken', () => {
    const text = new TextPieces(webPayload)
    text.join(high)
    assert.notEqual(text.takeRest(), undefined)
    assert.equal(text.takeRest(), undefined)
    assert.equal(text.join('a'), 'a')
  })

  it('accepts characters of UTF-8 that pieces of bytes cut, RFC 6455 §5.6', () => {
    const bytes = [...utf8('é👋')].map((byte) => Uint8Array.of(byte))
    assert.deepEqual(sent(bytes), bytes)
  })

  for (const [what, pieces] of [
    ['a byte that begins no character', [Uint8Array.of(0xff)]],
    ['a byte that does not continue the character', [Uint8Array.of(0xc3), Uint8Array.of(0x28)]],
    ['an encoded surrogate, RFC 3629 §3', [Uint8Array.of(0xed), Uint8Array.of(0xa0, 0x80)]],
    ['a string within a character', [Uint8Array.of(0xc3), 'a']],
    ['an end within a character', [Uint8Array.of(0xf0, 0x9f, 0x91)]],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => sent(pieces), isNotUtf8)
    })
  }

  it('sends any string as the same text, in whatever pieces it comes', () => {
    const unit = fc.constantFrom('a', 'é', '字', '👋', high, low)
    const property = fc.property(fc.string({ unit, maxLength: 12 }), fc.array(fc.nat({ max: 24 })), (whole, cuts) => {
      const ends = [...cuts.filter((at) => at < whole.length).sort((a, b) => a - b), whole.length]
      const pieces = ends.map((end, index) => whole.slice(ends[index - 1] ?? 0, end))
      assert.equal(toHex(bytesOf(sent(pieces))), toHex(utf8(whole)))
    })
    fc.assert(property)
  })
})

describe('isHighSurrogate', () => {
  it('is true for U+D800 to U+DBFF only', () => {
    assert.deepEqual([0xd7ff, 0xd800, 0xdbff, 0xdc00].map(isHighSurrogate), [false, true, true, false])
  })
})
