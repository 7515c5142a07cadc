import { maskInto, unmaskInPlace } from '../../core/payload/masking.js'
import { validateUtf8 } from '../../core/payload/utf8.js'
import { isError } from '../../core/value-kinds.js'
import type { Payload } from '../../ports/payload.js'
import { TextDecoder, TextEncoder } from './platform.js'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The payload port on the API that every web runtime has. */
export const webPayload: Payload = {
  allocate: (length) => new Uint8Array(length),
  // On Node, `slice` of a Buffer is a view, so the constructor copies.
  copy: (bytes, start, end) => new Uint8Array(bytes.subarray(start, end)),
  unmask: unmaskInPlace,
  maskInto,
  validate: validateUtf8,

  decode(bytes, start, end) {
    try {
      return decoder.decode(bytes.subarray(start, end))
    } catch (error) {
      // Not `instanceof`: in a sandbox, the decoder may be of another realm.
      if (isError(error) && error.name === 'TypeError') return undefined
      throw error
    }
  },

  encodeInto: (text, target, at) => encoder.encodeInto(text, target.subarray(at)).written,
  byteLength,
}

function byteLength(text: string): number {
  let length = text.length
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) continue
    length += unit < 0x800 || isPairHalf(text, at, unit) ? 1 : 2
  }
  return length
}

/** Two halves of a pair make four bytes together; a lone one becomes U+FFFD, which takes three. */
function isPairHalf(text: string, at: number, unit: number): boolean {
  if (unit < 0xd800 || unit > 0xdfff) return false
  return unit < 0xdc00 ? isWithin(text.charCodeAt(at + 1), 0xdc00) : isWithin(text.charCodeAt(at - 1), 0xd800)
}

function isWithin(unit: number, first: number): boolean {
  return unit >= first && unit < first + 0x400
}
