import type { Payload } from '../../ports/payload.js'
import { ProtocolError } from '../errors.js'

/** A message that one reader gets in pieces while it arrives. The bytes that wait for the reader are bounded. */
export class MessageReader {
  readonly type: 'text' | 'binary'
  readonly #payload: Payload
  readonly #onChange: () => void
  #buffer: Uint8Array | undefined
  #length = 0
  #utf8State = 0
  #isWhole = false
  #isDiscarded = false
  #hasEnded = false
  #leases = 0
  #error: Error | undefined
  #reader:
    | { readonly resolve: (piece: string | Uint8Array | undefined) => void; readonly reject: (error: Error) => void }
    | undefined

  /** @param onChange called when the waiting bytes or the end of the message change */
  constructor(type: 'text' | 'binary', payload: Payload, onChange: () => void) {
    this.type = type
    this.#payload = payload
    this.#onChange = onChange
  }

  /** Bytes that wait for the reader. */
  get heldBytes(): number {
    return this.#length
  }

  /** Bytes of memory that they take. */
  get capacity(): number {
    return this.#buffer?.length ?? 0
  }

  /** Whether the whole message has arrived. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /** Whether the whole message has arrived, the reader has seen its end or discarded it, and no lease is open. */
  get isOver(): boolean {
    return this.#isWhole && (this.#hasEnded || this.#isDiscarded) && this.#leases === 0
  }

  /** Keeps the next message from beginning until `release`. */
  acquire(): void {
    this.#leases += 1
  }

  release(): void {
    this.#leases -= 1
    this.#onChange()
  }

  /** The next piece, which the reader owns, or undefined at the end. Rejects if the rest will not arrive. */
  next(): Promise<string | Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject }
      this.deliver()
    })
  }

  /** Discards the rest of the message, including what still arrives. */
  discard(): void {
    if (this.#isDiscarded) return
    this.#isDiscarded = true
    this.#drop()
    this.deliver()
    this.#onChange()
  }

  /** Adds a received piece. Throws a ProtocolError if a text is not UTF-8, RFC 6455 §8.1. */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return
    if (this.type === 'text') {
      this.#utf8State = this.#payload.validate(this.#utf8State, bytes, start, end)
      if (this.#utf8State < 0) throw new ProtocolError('textNotUtf8')
    }
    if (this.#isDiscarded) return
    const length = this.#length + end - start
    this.#reserve(length)
    this.#buffer!.set(bytes.subarray(start, end), this.#length)
    this.#length = length
  }

  /** The whole message has arrived. */
  end(): void {
    if (this.#utf8State !== 0) throw new ProtocolError('textNotUtf8', 'it ends within a character')
    this.#isWhole = true
  }

  /** The rest of the message will not arrive. */
  fail(error: Error): void {
    this.#error = error
    this.#drop()
    this.deliver()
  }

  /** Resolves the reader's promise, if one is pending and there is something to read. */
  deliver(): void {
    const reader = this.#reader
    if (reader === undefined) return
    const end = this.#wholeCharactersEnd()
    if (end > 0) {
      this.#reader = undefined
      reader.resolve(this.#take(end))
      this.#onChange()
    } else if (this.#error !== undefined) {
      this.#reader = undefined
      reader.reject(this.#error)
    } else if (this.#isWhole || this.#isDiscarded) {
      this.#reader = undefined
      this.#hasEnded = true
      reader.resolve(undefined)
      this.#onChange()
    }
  }

  #take(end: number): string | Uint8Array {
    const buffer = this.#buffer!
    const rest = this.#length - end
    if (this.type === 'text') {
      const text = this.#payload.decode(buffer, 0, end)!
      buffer.copyWithin(0, end, this.#length)
      this.#length = rest
      if (this.#isWhole || rest === 0) this.#drop()
      return text
    }
    this.#drop()
    // A piece must not keep a much larger buffer alive.
    return 2 * end < buffer.length ? this.#payload.copy(buffer, 0, end) : buffer.subarray(0, end)
  }

  /** The end of the last complete character. */
  #wholeCharactersEnd(): number {
    if (this.#utf8State === 0 || this.#length === 0) return this.#length
    let at = this.#length - 1
    while (at > 0 && (this.#buffer![at]! & 0xc0) === 0x80) at -= 1
    return at
  }

  #reserve(needed: number): void {
    const held = this.#buffer
    if (held !== undefined && needed <= held.length) return
    const buffer = this.#payload.allocate(Math.max(needed, 2 * (held?.length ?? 0)))
    if (held !== undefined) buffer.set(held.subarray(0, this.#length))
    this.#buffer = buffer
  }

  #drop(): void {
    this.#buffer = undefined
    this.#length = 0
  }
}
