import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TextDecoder, TextEncoder } from 'node:util'
import fc from 'fast-check'
import type { Payload } from '../../../twoway/dist/ports/payload.js'

const maskingKey = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

/** Lengths around each threshold at which an implementation switches to words or to native code. */
const lengths = [
  ...Array(34).keys(),
  63,
  64,
  65,
  159,
  160,
  161,
  191,
  192,
  193,
  194,
  195,
  1023,
  1024,
  1025,
  5000,
  16_383,
  16_384,
  16_385,
  32_770,
]

const boundaries = [
  0x00, 0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xcfff, 0xd000, 0xd7ff, 0xe000, 0xfeff, 0xffff, 0x10000, 0x3ffff,
  0x40000, 0xfffff, 0x100000, 0x10ffff,
]

/** Second bytes at each bound of RFC 3629 §4, valid and invalid. */
const seconds = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]

/** The rules of the payload port, for one implementation of it. */
export function payloadContract(name: string, payload: Payload): void {
  describe(`payload: ${name}`, () => {
    test('allocates bytes with a buffer of their own', () => {
      for (const length of [0, 1, 64, 4096, 70_000]) assertOwnsBuffer(payload.allocate(length), length)
    })

    test('copies a range to a buffer of its own', () => {
      const source = Buffer.from('some bytes that stand in the shared pool')
      for (const bytes of [source, new Uint8Array(source)]) {
        const copy = payload.copy(bytes, 5, 10)
        assertOwnsBuffer(copy, 5)
        bytes.fill(0)
        assert.deepEqual(Buffer.from(copy).toString(), 'bytes')
      }
      assertOwnsBuffer(payload.copy(source, 3, 3), 0)
      assertOwnsBuffer(payload.copy(source, 0, source.length), source.length)
    })

    test('unmasks at every alignment and offset, and changes no other byte, §5.3', () => {
      for (const length of lengths) {
        for (let alignment = 0; alignment < 8; alignment += 1) {
          for (let offset = 0; offset < 5; offset += 1) assertUnmasks(payload, length, alignment, offset, 0x8d3c_51a7)
        }
      }
    })

    test('unmasks any range with any key', () => {
      const property = fc.property(
        fc.nat({ max: 1500 }),
        fc.nat({ max: 40 }),
        fc.nat({ max: 2 ** 40 }),
        maskingKey,
        (length, alignment, offset, key) => assertUnmasks(payload, length, alignment, offset, key),
      )
      fc.assert(property)
    })

    test('reports exactly the ranges that are ASCII', () => {
      for (const length of lengths.filter((length) => length > 0)) {
        for (const stray of [-1, 0, 1, length >> 1, length - 2, length - 1].filter((at) => at < length)) {
          const bytes = new Uint8Array(length + 8).fill(0xff)
          bytes.fill(0x7f, 3, 3 + length)
          if (stray >= 0) bytes[3 + stray] = 0x80
          bytes.set(masked(bytes.subarray(3, 3 + length), 0x8d3c_51a7, 2), 3)
          const isAscii = payload.unmask(bytes, 3, 3 + length, 0x8d3c_51a7, 2)
          assert.equal(isAscii, stray < 0, `length ${length}, stray byte at ${stray}`)
        }
      }
    })

    test('decodes a range that is known to be ASCII', () => {
      for (const length of lengths) {
        const bytes = Buffer.from(`..${'a'.repeat(length)}..`)
        assert.equal(payload.decode(bytes, 2, 2 + length, true), 'a'.repeat(length))
      }
    })

    test('accepts a masking key as a signed or an unsigned integer', () => {
      const bytes = [Uint8Array.of(1, 2, 3, 4, 5), Uint8Array.of(1, 2, 3, 4, 5)] as const
      payload.unmask(bytes[0], 0, 5, 0xfedc_ba98, 0)
      payload.unmask(bytes[1], 0, 5, 0xfedc_ba98 | 0, 0)
      assert.deepEqual(bytes[0], bytes[1])
    })

    test('masks into a target at every alignment of both, and changes no other byte', () => {
      for (const length of lengths) {
        for (let from = 0; from < 4; from += 1) {
          for (let to = 0; to < 4; to += 1) assertMasksInto(payload, length, from, to, 0x8d3c_51a7)
        }
      }
    })

    test('masks any range into a target with any key', () => {
      const property = fc.property(
        fc.nat({ max: 1500 }),
        fc.nat({ max: 40 }),
        fc.nat({ max: 40 }),
        maskingKey,
        (length, from, to, key) => assertMasksInto(payload, length, from, to, key),
      )
      fc.assert(property)
    })

    test('accepts the first and last code point of each length, whole and in every cut, RFC 3629 §3', () => {
      for (const point of boundaries) {
        const bytes = encoded(String.fromCodePoint(point))
        assert.equal(payload.validate(0, bytes, 0, bytes.length), 0, point.toString(16))
        for (let cut = 1; cut < bytes.length; cut += 1) {
          const state = payload.validate(0, bytes, 0, cut)
          assert.ok(state > 0, `an incomplete ${point.toString(16)} cut at ${cut}`)
          assert.equal(payload.validate(state, bytes, cut, bytes.length), 0)
        }
      }
    })

    test('refuses overlong forms, surrogates and code points above U+10FFFF at the first invalid byte, RFC 3629 §3', () => {
      const following = [[...Array(0x100).keys()], seconds, seconds, [0x80]]
      const check = (range: readonly number[], isInvalid: boolean): void => {
        const bytes = Uint8Array.of(...range, 0x80)
        // Nothing that follows makes invalid bytes valid, so the slow reference need not be asked again.
        const expected = isInvalid ? 'invalid' : validity(bytes.subarray(0, range.length))
        assertValidates(payload, bytes, 0, range.length, expected)
        for (const next of following[range.length] ?? []) check([...range, next], expected === 'invalid')
      }
      check([], false)
    })

    test('finds each boundary case after and before long text', () => {
      for (const filler of ['a'.repeat(200), 'é'.repeat(100), '日'.repeat(67), '😀'.repeat(50)].map(encoded)) {
        for (const point of boundaries) {
          const character = encoded(String.fromCodePoint(point))
          for (const text of [Buffer.concat([filler, character]), Buffer.concat([character, filler])]) {
            for (let end = text.length - 5; end <= text.length; end += 1) assertValidates(payload, text, 0, end)
            for (let start = 0; start < 5; start += 1) assertValidates(payload, text, start, text.length)
          }
        }
      }
    })

    test('refuses one invalid byte anywhere in a long text', () => {
      for (const filler of ['a', 'é', '日', '😀']) {
        const text = encoded(filler.repeat(150))
        for (let at = 0; at < text.length; at += 1) {
          const broken = Uint8Array.from(text)
          broken[at] = 0xff
          assert.equal(payload.validate(0, broken, 0, broken.length), -1)
          assert.equal(payload.decode(broken, 0, broken.length), undefined)
        }
      }
    })

    test('validates any bytes in any cuts like a decoder that has all of them', () => {
      const texts = fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ unit: 'binary', maxLength: 150 }).map(encoded),
        fc
          .tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 150 }), fc.nat(), fc.nat({ max: 255 }))
          .map(([text, at, byte]) => {
            const bytes = encoded(text)
            bytes[at % bytes.length] = byte
            return bytes
          }),
      )
      const property = fc.property(texts, fc.array(fc.nat({ max: 300 }), { maxLength: 4 }), (bytes, cutsAt) => {
        const cuts = [0, ...cutsAt.map((at) => Math.min(at, bytes.length)).sort((a, b) => a - b), bytes.length]
        let state = 0
        for (let index = 1; index < cuts.length && state >= 0; index += 1) {
          state = payload.validate(state, bytes, cuts[index - 1]!, cuts[index]!)
          assert.equal(state < 0, !canBegin(bytes.subarray(0, cuts[index])))
        }
        if (state >= 0) assert.equal(state === 0, reference(bytes) !== undefined)
      })
      fc.assert(property, { numRuns: 500 })
    })

    test('decodes and refuses any bytes like a decoder that keeps the byte order mark', () => {
      const texts = fc.string({ unit: 'binary', maxLength: 3000 }).map(encoded)
      const property = fc.property(fc.oneof(texts, fc.uint8Array()), fc.nat({ max: 9 }), (bytes, start) => {
        const padded = Buffer.concat([new Uint8Array(start), bytes, Uint8Array.of(0xff)])
        assert.equal(payload.decode(padded, start, start + bytes.length), reference(bytes))
      })
      fc.assert(property)
    })

    test('decodes long text of each kind', () => {
      for (const unit of ['a', 'ÿ', '日', '😀', 'a😀', '\0']) {
        for (const count of [0, 1, 40, 159, 160, 400, 1024, 20_000]) {
          const text = unit.repeat(count)
          assert.equal(payload.decode(encoded(text), 0, encoded(text).length), text)
        }
      }
    })

    test('keeps a byte order mark', () => {
      for (const text of ['\ufeff', '\ufeffhello', `\ufeff${'é'.repeat(2000)}`]) {
        assert.equal(payload.decode(encoded(text), 0, encoded(text).length), text)
      }
    })

    test('refuses text that ends within a character', () => {
      for (const text of ['é', '日', '😀', `${'é'.repeat(2000)}😀`]) {
        const bytes = encoded(text)
        assert.equal(payload.decode(bytes, 0, bytes.length - 1), undefined)
      }
    })

    test('encodes any text, a lone surrogate as U+FFFD', () => {
      const units = fc.array(fc.oneof(fc.nat({ max: 0xffff }), fc.integer({ min: 0xd7f0, max: 0xe010 })))
      const property = fc.property(units, (codes) => assertEncodes(payload, String.fromCharCode(...codes)))
      fc.assert(property, { numRuns: 300 })
      for (const text of ['\ud800', 'a\udfffb', '\udfff\ud800', '\ud83d\ude00', `${'é'.repeat(5000)}\ud800`]) {
        assertEncodes(payload, text)
      }
      for (const point of boundaries) assertEncodes(payload, String.fromCodePoint(point))
    })
  })
}

function assertOwnsBuffer(bytes: Uint8Array, length: number): void {
  assert.equal(bytes.length, length)
  assert.equal(bytes.byteOffset, 0)
  assert.equal(bytes.buffer.byteLength, length)
}

function patterned(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 1) bytes[at] = at * 7 + 3
  return bytes
}

/** The algorithm of RFC 6455 §5.3, written literally. */
function masked(bytes: Uint8Array, key: number, offset: number): Uint8Array {
  return bytes.map((byte, at) => byte ^ ((key >>> (8 * ((at + (offset % 4)) % 4))) & 0xff))
}

function assertUnmasks(payload: Payload, length: number, alignment: number, offset: number, key: number): void {
  const expected = patterned(length + alignment + 9)
  // A view with an offset of one byte, so that an index in the view differs from the index in its buffer.
  const bytes = new Uint8Array(new ArrayBuffer(expected.length + 1), 1)
  bytes.set(expected)
  expected.set(masked(expected.subarray(alignment, alignment + length), key, offset), alignment)
  payload.unmask(bytes, alignment, alignment + length, key, offset)
  assert.ok(Buffer.from(expected).equals(bytes), `length ${length}, alignment ${alignment}, offset ${offset}`)
}

function assertMasksInto(payload: Payload, length: number, from: number, to: number, key: number): void {
  const source = patterned(length + from + 9)
  const expected = patterned(length + to + 9).reverse()
  const target = Uint8Array.from(expected)
  expected.set(masked(source.subarray(from, from + length), key, 0), to)
  payload.maskInto(source, from, from + length, target, to, key)
  assert.ok(Buffer.from(expected).equals(target), `length ${length}, from ${from}, to ${to}`)
  assert.ok(Buffer.from(patterned(source.length)).equals(source), 'the source is left as it was')
}

type Validity = 'complete' | 'incomplete' | 'invalid'

function validity(bytes: Uint8Array): Validity {
  return reference(bytes) !== undefined ? 'complete' : canBegin(bytes) ? 'incomplete' : 'invalid'
}

function assertValidates(
  payload: Payload,
  bytes: Uint8Array,
  start: number,
  end: number,
  expected = validity(bytes.subarray(start, end)),
): void {
  const state = payload.validate(0, bytes, start, end)
  const actual = state === 0 ? 'complete' : state > 0 ? 'incomplete' : 'invalid'
  if (actual !== expected) assert.equal(actual, expected, Buffer.from(bytes.subarray(start, end)).toString('hex'))
}

function assertEncodes(payload: Payload, text: string): void {
  const expected = encoded(text)
  assert.equal(payload.byteLength(text), expected.length)
  for (const room of [expected.length, 3 * text.length]) {
    const target = new Uint8Array(3 + room + 3).fill(0xee)
    assert.equal(payload.encodeInto(text, target.subarray(0, 3 + room), 3), expected.length)
    assert.deepEqual(Buffer.from(target.subarray(3, 3 + expected.length)), Buffer.from(expected))
    assert.deepEqual([...target.subarray(0, 3)], [0xee, 0xee, 0xee])
    assert.deepEqual([...target.subarray(3 + room)], [0xee, 0xee, 0xee])
  }
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function reference(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Whether some text starts with these bytes: a streaming decoder accepts them. */
function canBegin(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}
