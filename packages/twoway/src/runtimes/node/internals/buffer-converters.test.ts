import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { payloadContract } from 'twoway-testing/contracts/payload.contract.js'
import { nodePayload } from '../payload/payload.js'
import { type BufferConverters, bufferConverters, portableConverters, tryConverters } from './buffer-converters.js'

const methods = ['latin1Slice', 'utf8Slice', 'ucs2Slice', 'utf8Write']
const ofNode = Buffer.prototype as unknown as Readonly<Record<string, unknown>>

payloadContract('node, with portable converters', {
  ...nodePayload,
  decode: (bytes, start, end, isAscii) => {
    const decoded = nodePayload.decode(bytes, start, end, isAscii)
    return decoded === undefined ? undefined : portableConverters.decodeUtf8.call(bytes, start, end)
  },
  encodeInto: (text, target, at) => portableConverters.encodeUtf8.call(target, text, at),
})

describe('the converters of Buffer', () => {
  it('are used where they do what is expected of them', () => {
    assert.deepEqual(tryConverters(ofNode).unusable, [])
  })

  for (const method of methods) {
    it(`are replaced by portable ones where ${method} is missing, throws or does something else`, () => {
      const odd = [undefined, 1, () => '', () => 0, () => assert.fail('an odd converter'), ofNode.hexSlice, ofNode.fill]
      for (const candidate of odd) {
        const { converters, unusable } = tryConverters({ ...methodsOfNode(), [method]: candidate })
        assert.deepEqual(unusable, [method], String(candidate))
        const used = Object.values(converters)
        assert.equal(used.filter((each) => Object.values(portableConverters).includes(each)).length, 1)
      }
    })
  }

  it('give what the portable ones give, of any text and at any offset', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary-ascii' }),
    )
    fc.assert(
      fc.property(text, fc.nat(9), (text, at) => {
        assert.deepEqual(converted(bufferConverters, text, at), converted(portableConverters, text, at))
      }),
    )
  })
})

function methodsOfNode(): Record<string, unknown> {
  return Object.fromEntries(methods.map((method) => [method, ofNode[method]]))
}

/** The text after it was encoded and decoded. */
function converted({ encodeUtf8, decodeUtf8, decodeUtf16 }: BufferConverters, text: string, at: number): unknown[] {
  const bytes = new Uint8Array(at + 3 * text.length)
  const length = encodeUtf8.call(bytes, text, at)
  const utf16 = new Uint8Array(at + 2 * text.length)
  const view = new DataView(utf16.buffer)
  for (let index = 0; index < text.length; index++) view.setUint16(at + 2 * index, text.charCodeAt(index), true)
  const isWellFormed = !/\p{Surrogate}/u.test(text)
  return [
    length,
    bytes,
    decodeUtf8.call(bytes, at, at + length),
    isWellFormed ? decodeUtf16.call(utf16, at, utf16.length) : '',
  ]
}
