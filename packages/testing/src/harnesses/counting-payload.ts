import type { Payload } from '../../../twoway/dist/ports/payload.js'

/** A payload port that counts all copied bytes, including conversions from and to text. */
export class CountingPayload implements Payload {
  copied = 0
  readonly #payload: Payload
  /** Allocated arrays count the bytes that are set and moved in them. */
  readonly #Bytes: new (
    length: number,
  ) => Uint8Array

  constructor(payload: Payload) {
    this.#payload = payload
    const count = (length: number): void => {
      this.copied += length
    }
    this.#Bytes = class CountedBytes extends Uint8Array {
      override set(source: ArrayLike<number>, at?: number): void {
        count(source.length)
        super.set(source, at)
      }

      override copyWithin(target: number, start: number, end = this.length): this {
        count(end - start)
        return super.copyWithin(target, start, end)
      }
    }
  }

  allocate(length: number): Uint8Array {
    return new this.#Bytes(length)
  }

  copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
    this.copied += end - start
    return this.#payload.copy(bytes, start, end)
  }

  /** In place: nothing is copied. */
  unmask(bytes: Uint8Array, start: number, end: number, maskingKey: number, offset: number): boolean {
    return this.#payload.unmask(bytes, start, end, maskingKey, offset)
  }

  maskInto(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number, maskingKey: number): void {
    // The target may have counted the same bytes already.
    const copied = this.copied + (end - start)
    this.#payload.maskInto(source, start, end, target, at, maskingKey)
    this.copied = copied
  }

  validate(state: number, bytes: Uint8Array, start: number, end: number): number {
    return this.#payload.validate(state, bytes, start, end)
  }

  decode(bytes: Uint8Array, start: number, end: number, isAscii?: boolean): string | undefined {
    this.copied += end - start
    return this.#payload.decode(bytes, start, end, isAscii)
  }

  encodeInto(text: string, target: Uint8Array, at: number): number {
    const length = this.#payload.encodeInto(text, target, at)
    this.copied += length
    return length
  }

  byteLength(text: string): number {
    return this.#payload.byteLength(text)
  }
}
