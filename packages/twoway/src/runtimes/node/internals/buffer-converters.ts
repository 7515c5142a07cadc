import { Buffer } from 'node:buffer'
import { TextDecoder, TextEncoder } from '../platform.js'
import { noteFallback } from './fallbacks.js'

/**
 * Buffer's own converters, which are not documented. `toString` and `write` check their arguments, make a view of each
 * range, and then call these. If one of these is missing, both throw.
 */
export interface BufferConverters {
  /** Decodes `bytes[start, end)`, which is ASCII. */
  decodeAscii(this: Uint8Array, start: number, end: number): string
  /** Decodes `bytes[start, end)`, which is well-formed UTF-8. */
  decodeUtf8(this: Uint8Array, start: number, end: number): string
  /** Decodes `bytes[start, end)`, which is well-formed UTF-16 in little-endian order. */
  decodeUtf16(this: Uint8Array, start: number, end: number): string
  /** Encodes a text at `at`, where it must fit, and returns the number of its bytes. */
  encodeUtf8(this: Uint8Array, text: string, at: number): number
}

type Name = keyof BufferConverters

/** Their names in Buffer. */
const methods = {
  decodeAscii: 'latin1Slice',
  decodeUtf8: 'utf8Slice',
  decodeUtf16: 'ucs2Slice',
  encodeUtf8: 'utf8Write',
} as const satisfies Record<Name, string>

type Method = (typeof methods)[Name]

// A mark at the start of a text is a character of the text, RFC 3629 §6.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const utf16 = new TextDecoder('utf-16le', { ignoreBOM: true })
const encoder = new TextEncoder()

/** Portable converters, with the classes of the Encoding Standard. */
export const portableConverters: BufferConverters = {
  decodeAscii: decode,
  decodeUtf8: decode,
  decodeUtf16(start, end) {
    return utf16.decode(this.subarray(start, end))
  },
  encodeUtf8(text, at) {
    return encoder.encodeInto(text, this.subarray(at)).written
  },
}

function decode(this: Uint8Array, start: number, end: number): string {
  return utf8.decode(this.subarray(start, end))
}

/** A mark, one character of each length in UTF-8, and a lone surrogate, which is encoded as U+FFFD. */
const text = '\ufeffaé€😀\ud800z'
const decoded = text.replace('\ud800', '\ufffd')
const ascii = 'az \x00\x7f'

/** The trials of each converter, with bytes before and behind the range. */
const trials: Readonly<Record<Name, (converters: BufferConverters) => boolean>> = {
  decodeAscii: ({ decodeAscii }) => {
    const bytes = Uint8Array.from(`(${ascii})`, (character) => character.charCodeAt(0))
    return decodeAscii.call(bytes, 1, bytes.length - 1) === ascii
  },
  decodeUtf8: ({ decodeUtf8 }) => {
    const bytes = encoder.encode(`(${text})`)
    return decodeUtf8.call(bytes, 1, bytes.length - 1) === decoded
  },
  decodeUtf16: ({ decodeUtf16 }) => {
    const sent = `(${decoded})`
    const bytes = new Uint8Array(sent.length * 2)
    const view = new DataView(bytes.buffer)
    for (let at = 0; at < sent.length; at++) view.setUint16(at * 2, sent.charCodeAt(at), true)
    return decodeUtf16.call(bytes, 2, bytes.length - 2) === decoded
  },
  encodeUtf8: ({ encodeUtf8 }) => {
    const expected = encoder.encode(text)
    const bytes = new Uint8Array(expected.length + 3).fill(0x2e)
    const length = encodeUtf8.call(bytes, text, 1)
    const isWithin = bytes[0] === 0x2e && bytes.at(-1) === 0x2e && bytes.at(-2) === 0x2e
    return length === expected.length && isWithin && expected.every((byte, index) => bytes[index + 1] === byte)
  },
}

/** The methods of a prototype that pass their trial, and portable functions in place of the others. */
export function tryConverters(prototype: Readonly<Record<string, unknown>>): {
  readonly converters: BufferConverters
  readonly unusable: readonly Method[]
} {
  const converters = { ...portableConverters }
  const unusable: Method[] = []
  for (const name of Object.keys(methods) as Name[]) {
    const method = methods[name]
    const candidate = { ...portableConverters, [name]: prototype[method] }
    if (works(candidate, name)) Object.assign(converters, { [name]: prototype[method] })
    else unusable.push(method)
  }
  return { converters, unusable }
}

function works(converters: BufferConverters, name: Name): boolean {
  try {
    return trials[name](converters)
  } catch {
    return false
  }
}

const { converters, unusable } = tryConverters(Buffer.prototype as unknown as Readonly<Record<string, unknown>>)

/** The converters of this runtime. */
export const bufferConverters: BufferConverters = converters

/** Whether Node's own decoder of UTF-16 is used; a TextDecoder gains nothing by way of UTF-16. */
export const decodesUtf16: boolean = !unusable.includes('ucs2Slice')

if (unusable.length > 0) {
  const names = unusable.map((name) => `Buffer.prototype.${name}`).join(', ')
  noteFallback('buffer', `${names}: missing, or of unknown behaviour`)
}
