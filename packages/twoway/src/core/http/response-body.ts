import type { ResponseHead } from '../../ports/http-host.js'
import { isSameText } from './field-syntax.js'
import { HeaderFields } from './header-fields.js'

const lineFeed = 0x0a
/** The length of a chunk in hexadecimal. Chunk extensions are ignored, RFC 9112 §7.1.1. */
const chunkSize = /^([0-9a-f]{1,8})(?:[ \t]*;.*)?$/i
const longestSizeLine = 256

/**
 * Reads the body of one response, up to `maxBytes`. Its framing is by chunks, by length or by the end of the
 * connection, RFC 9112 §6.3. Made for error pages: never throws. Invalid framing ends the body, as nothing after it is
 * read.
 */
export class ResponseBody {
  readonly #maxBytes: number
  readonly #isChunked: boolean
  /** Bytes left of the body or the chunk. Infinite if the body lasts until the connection ends. */
  #left: number
  /** The received part of a line with a chunk's size, or undefined within a chunk. */
  #sizeLine: string | undefined
  #buffer: Uint8Array
  #length = 0
  #isDone = false

  constructor({ status, fields }: ResponseHead, maxBytes: number) {
    const headers = new HeaderFields(fields)
    this.#maxBytes = maxBytes
    this.#buffer = new Uint8Array(Math.min(maxBytes, 1024))
    this.#isChunked = isSameText(headers.list('transfer-encoding').at(-1) ?? '', 'chunked')
    this.#left = this.#isChunked ? 0 : lengthOf(status, headers)
    if (this.#isChunked) this.#sizeLine = ''
    this.#isDone = this.#left === 0 && !this.#isChunked
  }

  /** Whether the body has ended or `maxBytes` were kept. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** The bytes received so far. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Reads the next bytes. Keeps no reference. */
  receive(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end && !this.#isDone; ) {
      if (this.#sizeLine === undefined) at += this.#takeData(bytes, at, end)
      else this.#takeSizeByte(bytes[at++]!)
    }
  }

  #takeData(bytes: Uint8Array, start: number, end: number): number {
    const taken = Math.min(end - start, this.#left, this.#maxBytes - this.#length)
    this.#reserve(this.#length + taken)
    this.#buffer.set(bytes.subarray(start, start + taken), this.#length)
    this.#length += taken
    this.#left -= taken
    if (this.#length === this.#maxBytes || (this.#left === 0 && !this.#isChunked)) this.#isDone = true
    // The line break behind a chunk is read as part of the next size line.
    else if (this.#left === 0) this.#sizeLine = '\n'
    return taken
  }

  #takeSizeByte(byte: number): void {
    const line = this.#sizeLine!
    if (byte !== lineFeed) {
      this.#sizeLine = line + String.fromCharCode(byte)
      this.#isDone = line.length === longestSizeLine
    } else if (line === '\n\r') {
      this.#sizeLine = ''
    } else {
      const { 1: digits } = line.endsWith('\r') ? (chunkSize.exec(line.slice(0, -1)) ?? []) : []
      this.#left = Number.parseInt(digits ?? '0', 16)
      // The last chunk is empty. Trailer fields may follow, which are not part of the body.
      this.#isDone = this.#left === 0
      this.#sizeLine = undefined
    }
  }

  #reserve(length: number): void {
    if (length <= this.#buffer.length) return
    const longer = new Uint8Array(Math.min(this.#maxBytes, Math.max(length, 2 * this.#buffer.length)))
    longer.set(this.bytes)
    this.#buffer = longer
  }
}

function lengthOf(status: number, headers: HeaderFields): number {
  if (status === 204 || status === 304) return 0
  if (headers.has('transfer-encoding')) return Number.POSITIVE_INFINITY
  const length = headers.get('content-length')
  return length !== undefined && /^[0-9]{1,15}$/.test(length) ? Number(length) : Number.POSITIVE_INFINITY
}
