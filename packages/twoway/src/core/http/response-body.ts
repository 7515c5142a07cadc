import type { ResponseHead } from '../../ports/http-host.js'
import { isSameText } from './field-syntax.js'
import { HeaderFields } from './header-fields.js'

const lineFeed = 0x0a
/** A chunk's length in hexadecimal, and extensions, which are passed over, RFC 9112 §7.1.1. */
const chunkSize = /^([0-9a-f]{1,8})(?:[ \t]*;.*)?$/i
const longestSizeLine = 256

/**
 * Reads the body of one response, framed by chunks, by its length or by the connection's end, RFC 9112 §6.3, up to
 * `maxBytes`. Made for error pages: it never throws. Framing that is broken ends the body at that point, as nothing
 * that follows on the connection is read.
 */
export class ResponseBody {
  readonly #maxBytes: number
  readonly #isChunked: boolean
  /** Octets that are left of the body or the chunk; unbounded where the connection's end ends it. */
  #left: number
  /** The line of a chunk's size as far as it came, or undefined within a chunk. */
  #sizeLine: string | undefined
  #room: Uint8Array
  #length = 0
  #isDone = false

  constructor({ status, fields }: ResponseHead, maxBytes: number) {
    const headers = new HeaderFields(fields)
    this.#maxBytes = maxBytes
    this.#room = new Uint8Array(Math.min(maxBytes, 1024))
    this.#isChunked = isSameText(headers.list('transfer-encoding').at(-1) ?? '', 'chunked')
    this.#left = this.#isChunked ? 0 : lengthOf(status, headers)
    if (this.#isChunked) this.#sizeLine = ''
    this.#isDone = this.#left === 0 && !this.#isChunked
  }

  /** Whether no more of it is wanted: it has ended, or as much as is kept has come. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** What came so far. */
  get bytes(): Uint8Array {
    return this.#room.subarray(0, this.#length)
  }

  /** Takes what came next. Keeps no reference. */
  receive(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end && !this.#isDone; ) {
      if (this.#sizeLine === undefined) at += this.#takeData(bytes, at, end)
      else this.#takeSizeOctet(bytes[at++]!)
    }
  }

  #takeData(bytes: Uint8Array, start: number, end: number): number {
    const taken = Math.min(end - start, this.#left, this.#maxBytes - this.#length)
    this.#reserve(this.#length + taken)
    this.#room.set(bytes.subarray(start, start + taken), this.#length)
    this.#length += taken
    this.#left -= taken
    if (this.#length === this.#maxBytes || (this.#left === 0 && !this.#isChunked)) this.#isDone = true
    // The line end behind a chunk reads as the beginning of the next one's line.
    else if (this.#left === 0) this.#sizeLine = '\n'
    return taken
  }

  #takeSizeOctet(octet: number): void {
    const line = this.#sizeLine!
    if (octet !== lineFeed) {
      this.#sizeLine = line + String.fromCharCode(octet)
      this.#isDone = line.length === longestSizeLine
    } else if (line === '\n\r') {
      this.#sizeLine = ''
    } else {
      const { 1: digits } = line.endsWith('\r') ? (chunkSize.exec(line.slice(0, -1)) ?? []) : []
      this.#left = Number.parseInt(digits ?? '0', 16)
      // The last chunk has no octets; trailer fields, which may follow, belong to no body.
      this.#isDone = this.#left === 0
      this.#sizeLine = undefined
    }
  }

  #reserve(length: number): void {
    if (length <= this.#room.length) return
    const longer = new Uint8Array(Math.min(this.#maxBytes, Math.max(length, 2 * this.#room.length)))
    longer.set(this.bytes)
    this.#room = longer
  }
}

function lengthOf(status: number, headers: HeaderFields): number {
  if (status === 204 || status === 304) return 0
  if (headers.has('transfer-encoding')) return Number.POSITIVE_INFINITY
  const length = headers.get('content-length')
  return length !== undefined && /^[0-9]{1,15}$/.test(length) ? Number(length) : Number.POSITIVE_INFINITY
}
