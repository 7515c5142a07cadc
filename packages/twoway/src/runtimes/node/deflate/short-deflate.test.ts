import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { concat, fromHex, toHex, utf8 } from 'twoway-testing/bytes.js'
import { instantiate } from '../payload/instantiate.js'
import { deflateModule, deflatePages } from './deflate-module.js'
import { createShortDeflate, shortBytes } from './short-deflate.js'

const deflate = createShortDeflate()!
const packed = (message: Uint8Array): Uint8Array => Uint8Array.from(deflate(message, 0, message.length))

/** Adds a tail that ends the data, so that zlib refuses incomplete data. */
function unpacked(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(zlib.inflateRawSync(concat(bytes, fromHex('0000ffff010000ffff'))))
}

function comesBack(message: Uint8Array): void {
  assert.equal(toHex(unpacked(packed(message))), toHex(message))
}

/** Memory that the module does not use: counts (u16), lengths (u8) and codes (u32). */
const [countsAt, lengthsAt, codesAt] = [60_000, 61_000, 62_000]

/** The lengths of the codes for symbols with these counts. */
function codeLengths(counts: readonly number[], mostBits: number): number[] {
  const { memory, exports } = instantiate(deflateModule, deflatePages)!
  new Uint16Array(memory, countsAt).set(counts)
  const makeCodes = exports.makeCodes as (...args: number[]) => number
  makeCodes(countsAt, lengthsAt, codesAt, counts.length, mostBits)
  const lengths = [...new Uint8Array(memory, lengthsAt, counts.length)]
  const codes = lengths.map((length, symbol) => {
    const code = new Uint32Array(memory, codesAt)[symbol]! >>> 4
    return [...code.toString(2).padStart(length, '0')].reverse().join('')
  })
  assert.equal(codes.filter((code) => codes.some((other) => other !== code && other.startsWith(code))).length, 0)
  assert.equal(new Set(codes).size, codes.length)
  return lengths
}

describe('createShortDeflate', () => {
  it('uses the fixed codes of RFC 1951 §3.2.6 if they are shorter', () => {
    assert.equal(toHex(packed(utf8('Hello'))), 'f248cdc9c90700')
    assert.equal(toHex(packed(utf8('a'))), toHex(zlib.deflateRawSync('a', { finishFlush: 2 }).subarray(0, -4)))
  })

  it('compresses messages of any length so that zlib restores them', () => {
    const text = utf8(JSON.stringify(Array.from({ length: 1000 }, (_, index) => ({ id: index * 7919, ok: true }))))
    const lengths = [...Array.from({ length: 600 }, (_, index) => index + 1), shortBytes - 1, shortBytes]
    for (const length of lengths) {
      comesBack(text.subarray(0, length))
      comesBack(new Uint8Array(length))
      comesBack(Uint8Array.from({ length }, (_, index) => Math.imul(index, 0x9e3779b1) >>> 13))
    }
  })

  it('compresses any bytes so that zlib restores them', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: shortBytes }),
      fc.uint8Array({ minLength: 1, maxLength: shortBytes, max: 3 }),
      fc
        .array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 600 })), { minLength: 1, maxLength: 40 })
        .map((runs) =>
          concat(...runs.map(([byte, times]) => new Uint8Array(times).fill(byte))).subarray(0, shortBytes),
        ),
    )
    fc.assert(fc.property(bytes, comesBack), { numRuns: 300 })
  })

  it('makes codes that are complete, minimal in sum and no longer than allowed, §3.2.7', () => {
    assert.deepEqual(codeLengths([1, 1, 2, 4, 8], 7), [4, 4, 3, 2, 1])
    // Each symbol is as frequent as two others together, so the rarest would get a code of as many bits as there are symbols.
    const fibonacci = [1, 1]
    while (fibonacci.length < 24) fibonacci.push(fibonacci.at(-1)! + fibonacci.at(-2)!)
    for (const [symbols, mostBits] of [
      [8, 7],
      [9, 7],
      [19, 7],
      [16, 15],
      [17, 15],
      [24, 15],
    ] as const) {
      const lengths = codeLengths(fibonacci.slice(0, symbols), mostBits)
      assert.equal(Math.max(...lengths), mostBits)
      assert.equal(
        lengths.reduce((sum, length) => sum + 2 ** -length, 0),
        1,
      )
      assert.deepEqual(
        lengths,
        lengths.toSorted((one, other) => other - one),
      )
    }
  })

  it('is at most a twentieth longer than the output of zlib', () => {
    const text = utf8(
      JSON.stringify(Array.from({ length: 99 }, (_, at) => ({ id: at * 7919, name: `user ${at % 7}` }))),
    )
    for (const length of [100, 306, 1024, shortBytes]) {
      const message = text.subarray(0, length)
      const byZlib = zlib.deflateRawSync(message, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).length - 4
      assert.ok(packed(message).length <= byZlib * 1.05 + 1, `${length}: ${packed(message).length}, zlib ${byZlib}`)
    }
  })

  it('refers to no earlier message, also after its counter wraps around', () => {
    const { memory, exports } = instantiate(deflateModule, deflatePages)!
    const { base, deflate: run } = exports as { base: { value: number }; deflate: (length: number) => number }
    const message = utf8('an earlier message, a later one')
    const once = toHex(packed(message))
    base.value = 2 ** 32 - 1 - 2 * shortBytes - 40
    for (let round = 0; round < 4; round++) {
      new Uint8Array(memory).set(message)
      assert.equal(toHex(new Uint8Array(memory, 4160, run(message.length))), once)
    }
    assert.equal(base.value, 1 + 2 * message.length)
  })
})
