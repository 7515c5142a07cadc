import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { printable, quoted } from './printable.js'

/** Restores the text from its printable form. */
function readBack(escaped: string): string {
  return escaped.replace(/\\u\{([0-9a-f]+)\}/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
}

const dangerous: { readonly [kind: string]: readonly (readonly [first: number, last: number])[] } = {
  'C0 controls': [[0x00, 0x1f]],
  'DEL and C1 controls': [[0x7f, 0x9f]],
  'bidi controls': [
    [0x061c, 0x061c],
    [0x200e, 0x200f],
    [0x202a, 0x202e],
    [0x2066, 0x2069],
  ],
  'separators of lines and paragraphs': [[0x2028, 0x2029]],
  'zero widths': [
    [0x00ad, 0x00ad],
    [0x034f, 0x034f],
    [0x180e, 0x180e],
    [0x200b, 0x200d],
    [0x2060, 0x2065],
    [0xfeff, 0xfeff],
  ],
  'fillers that show as nothing': [
    [0x115f, 0x1160],
    [0x3164, 0x3164],
    [0xffa0, 0xffa0],
  ],
  annotations: [[0xfff9, 0xfffb]],
  'tags and further selectors': [[0xe0000, 0xe01ef]],
  'lone surrogates': [[0xd800, 0xdfff]],
}

describe('a printable text', () => {
  for (const [kind, ranges] of Object.entries(dangerous)) {
    it(`escapes ${kind} in each form`, () => {
      for (const [first, last] of ranges) {
        for (let code = first; code <= last; code++) {
          const text = `a${String.fromCodePoint(code)}b`
          const escaped = `a\\u{${code.toString(16)}}b`
          assert.equal(printable(text), escaped)
          assert.equal(printable(text, { as: 'sentence' }), escaped)
          const json = printable(JSON.stringify(text), { as: 'json' })
          assert.match(json, /^[ -~]+$/)
          assert.equal(JSON.parse(json), text)
        }
      }
    })
  }

  it('keeps visible characters: scripts, accents, emoji and joined emoji', () => {
    const joined = '👩‍👩‍👧 👩🏽‍🚀 ❤️‍🔥 ☎︎'
    for (const text of [
      'plain',
      'Grüße, 你好, שלום, مرحبا',
      'e\u0301',
      'a\u00a0b',
      joined,
      'C:\\users\\new',
      '{"a":"\\u001b\\n"}',
    ]) {
      assert.equal(printable(text), text)
    }
    assert.equal(printable('a\u200db'), 'a\\u{200d}b')
    assert.equal(printable('👩\u200d'), '👩\\u{200d}')
  })

  it("distinguishes an escape from the same characters in a peer's value", () => {
    assert.equal(printable('\u001b'), '\\u{1b}')
    assert.equal(printable('\\u{1b}'), '\\u{5c}u{1b}')
    assert.equal(printable('\\\u001b'), '\\\\u{1b}')
    assert.equal(printable('a \\u{1b}', { as: 'sentence' }), 'a \\u{1b}')
  })

  it('is reversible for any text', () => {
    const pieces = fc.constantFrom('\\', 'u', '{', '}', '1b', '5c', '\u001b', '\u009b', '\u202e', 'x', '😀', '\n')
    const texts = fc.oneof(
      fc.array(pieces).map((list) => list.join('')),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const escaped = printable(text)
        assert.equal(readBack(escaped), text)
        assert.equal(printable(escaped, { as: 'sentence' }), escaped)
        assert.equal(JSON.parse(printable(JSON.stringify(text), { as: 'json' })), text)
      }),
    )
  })

  it('keeps line breaks and tabs with `lines`, but no lone carriage return', () => {
    assert.equal(printable('a\n\tb\r\nc\rd', { lines: true }), 'a\n\tb\nc\\u{d}d')
    assert.equal(printable('a\n\tb\r\n'), 'a\\u{a}\\u{9}b\\u{d}\\u{a}')
  })

  it('is cut if it is too long, but not within a character, and counts the rest', () => {
    assert.equal(printable('abcdef', { maxLength: 4 }), 'abcd… and 2 more characters')
    assert.equal(printable('abcd', { maxLength: 4 }), 'abcd')
    assert.equal(printable('abc😀', { maxLength: 4 }), 'abc… and 2 more characters')
    assert.ok(quoted('\u009b'.repeat(100_000)).length < 2000)
  })
})
