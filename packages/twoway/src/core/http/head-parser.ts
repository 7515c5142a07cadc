import type { HeadLimits } from '../../ports/http-host.js'
import { HandshakeError } from '../errors.js'
import { isSpace, isTokenByte } from './field-syntax.js'
import type { HeadForm } from './head-form.js'
import { StringInterner } from './string-interner.js'

const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const colon = 0x3a
const del = 0x7f
/** Estimated heap size of a string besides its characters. */
const textOverhead = 32
const noBytes = new Uint8Array(0)
const texts = new StringInterner()

/**
 * Parses the head of one request or response, RFC 9112 §2 to §5, however it is split. Accepts nothing beyond the
 * grammar: if two parsers on the way read a head differently, one request can be smuggled in another. Throws only
 * HandshakeErrors, as soon as a byte or a line breaks a rule; the parser must not be used after that.
 */
export class HeadParser<Head> {
  readonly #form: HeadForm<Head>
  readonly #limits: HeadLimits
  readonly #fields: string[] = []
  #begun: Head | undefined
  #head: Head | undefined
  /** The received part of a line that is split. */
  #line = noBytes
  #lineEnd = 0
  #bytesRead = 0
  #returned = false

  constructor(form: HeadForm<Head>, limits: HeadLimits) {
    this.#form = form
    this.#limits = limits
  }

  /** The head, once its empty line has arrived. */
  get head(): Head | undefined {
    return this.#head
  }

  /** The head, once its start line has arrived. Fields may still be missing. */
  get begun(): Head | undefined {
    return this.#begun
  }

  /** Bytes of the head that were read so far. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  /** Estimated bytes of memory that the head takes: a split line, and the strings and fields so far. */
  get heldBytes(): number {
    return this.#line.length + this.#bytesRead + this.#fields.length * textOverhead
  }

  /** Reads up to the end of the head and returns the number of bytes read. Keeps no reference. */
  receive(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end && this.#head === undefined) {
      const next = this.#takeLine(bytes, at, end)
      if (next > at) at = next
      else this.#take(bytes[at++]!)
    }
    return at - start
  }

  /** Reads a whole, valid line at once, the common case. Returns the end of the line, or `at` if there is none. */
  #takeLine(bytes: Uint8Array, at: number, end: number): number {
    if (this.#lineEnd > 0 || this.#returned) return at
    let lineEnd = at
    while (lineEnd < end && isPrintable(bytes[lineEnd]!)) lineEnd++
    const next = lineEnd + 2
    if (next > end || bytes[lineEnd] !== carriageReturn || bytes[lineEnd + 1] !== lineFeed) return at
    if (this.#bytesRead + next - at > this.#limits.maxHeadBytes) return at
    this.#bytesRead += next - at
    this.#endLine(bytes, at, lineEnd)
    return next
  }

  #take(byte: number): void {
    if (this.#bytesRead === this.#limits.maxHeadBytes) throw this.#tooLong(`${this.#limits.maxHeadBytes} bytes at most`)
    this.#bytesRead++
    if (this.#returned) {
      if (byte !== lineFeed) throw this.#malformed('a carriage return without a line feed')
      this.#returned = false
      const lineEnd = this.#lineEnd
      this.#lineEnd = 0
      this.#endLine(this.#line, 0, lineEnd)
    } else if (byte === carriageReturn) {
      this.#returned = true
    } else if (byte === lineFeed) {
      throw this.#malformed('a line feed without a carriage return')
    } else if (!isPrintable(byte)) {
      throw this.#malformed(`byte ${this.#bytesRead} is the control byte 0x${byte.toString(16).padStart(2, '0')}`)
    } else {
      this.#append(byte)
    }
  }

  #append(byte: number): void {
    if (this.#lineEnd === this.#line.length) {
      const longer = new Uint8Array(Math.min(this.#limits.maxHeadBytes, Math.max(256, 2 * this.#lineEnd)))
      longer.set(this.#line)
      this.#line = longer
    }
    this.#line[this.#lineEnd++] = byte
  }

  /** Processes a whole line, `bytes[start, end)`, without its line break. */
  #endLine(bytes: Uint8Array, start: number, end: number): void {
    if (this.#begun === undefined) this.#begin(bytes, start, end)
    else if (start < end) this.#addField(bytes, start, end)
    else this.#head = this.#begun
  }

  #begin(bytes: Uint8Array, start: number, end: number): void {
    if (start === end && this.#form.skipsEmptyLines) return
    this.#begun = this.#form.begin(texts.read(bytes, start, end), this.#fields)
    if (this.#begun === undefined) throw this.#malformed(`the first line is not ${this.#form.startLine}`)
  }

  #addField(bytes: Uint8Array, start: number, end: number): void {
    const { maxHeaderFields } = this.#limits
    if (this.#fields.length === 2 * maxHeaderFields) throw this.#tooLong(`${maxHeaderFields} header fields at most`)
    // RFC 9112 §5.2: a folded line begins with white space. It is refused, as its name is not a token.
    let nameEnd = start
    while (nameEnd < end && isTokenByte(bytes[nameEnd]!)) nameEnd++
    if (nameEnd === start || nameEnd === end || bytes[nameEnd] !== colon) {
      throw this.#malformed(`header field ${this.#fields.length / 2 + 1} is not a token and a colon`)
    }
    let valueStart = nameEnd + 1
    let valueEnd = end
    while (valueStart < valueEnd && isSpace(bytes[valueStart]!)) valueStart++
    while (valueStart < valueEnd && isSpace(bytes[valueEnd - 1]!)) valueEnd--
    this.#fields.push(texts.read(bytes, start, nameEnd), texts.read(bytes, valueStart, valueEnd))
  }

  #malformed(detail: string): HandshakeError {
    return new HandshakeError(this.#form.malformed, detail)
  }

  #tooLong(detail: string): HandshakeError {
    return new HandshakeError(this.#form.tooLong, detail)
  }
}

/** Whether a line may contain a byte: any except controls other than tab, RFC 9110 §5.5. */
function isPrintable(byte: number): boolean {
  return (byte >= space && byte !== del) || byte === tab
}
