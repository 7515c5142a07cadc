import { ProtocolError } from '../../../twoway/dist/core/errors.js'
import type { Extension } from '../../../twoway/dist/core/extensions/extension.js'
import type { Decoded, DecodedSink, DecodeResult, Encoded } from '../../../twoway/dist/ports/deflate-codec.js'

/** An extension that changes nothing, but holds messages of ten bytes or more until a test releases them. */
export class Slow implements Extension {
  readonly name = 'x-slow'
  readonly messageBits = 4
  readonly heldBytes = 0
  readonly encodesPieces = true
  readonly log: string[] = []
  #goOn: (() => void) | undefined
  #fail: (() => void) | undefined

  wants(length: number, compress: boolean | undefined): boolean {
    return length > 0 && compress !== false
  }

  encode(
    bytes: Uint8Array,
    start: number,
    end: number,
    _last: boolean,
    _most: number,
    done: Encoded,
  ): Uint8Array | 'later' {
    if (end - start < 10) return bytes.slice(start, end)
    this.#goOn = () => done(bytes.slice(start, end))
    this.#fail = () => done(undefined)
    return 'later'
  }

  decode(bytes: Uint8Array, start: number, end: number, last: boolean, emit: DecodedSink, done: Decoded): DecodeResult {
    if (end - start < 10) {
      emit(bytes, start, end, last)
      return 'done'
    }
    const copy = bytes.slice(start, end)
    this.#goOn = () => {
      if (copy[0] === 0xff) {
        done(new ProtocolError('compressionMalformed'))
      } else {
        emit(copy, 0, copy.length, last)
        done()
      }
    }
    return 'later'
  }

  goOn(): void {
    const goOn = this.#goOn
    this.#goOn = undefined
    goOn?.()
  }

  /** Fails the message that it is encoding. */
  fail(): void {
    this.#fail?.()
  }

  stopDecoding(): void {
    this.log.push('stopDecoding')
  }

  close(): void {
    this.#goOn = undefined
    this.log.push('close')
  }
}
