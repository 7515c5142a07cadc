import type { Clock } from '../../ports/clock.js'
import type { Payload } from '../../ports/payload.js'
import type { SharedEncoder } from '../extensions/extension.js'
import { Opcode } from '../opcode.js'
import { copyBytes } from '../payload/copy-bytes.js'
import { JointFlush } from './joint-flush.js'
import { finBit, frameHeaderSize, writeFrameHeader } from './write-frame-header.js'

type FrameCallback = (frame: Uint8Array) => void

/** The result of an encoder: the frame, or the callbacks that wait for it, in order. */
type EncodedFrame = { frame: Uint8Array } | { waiting: FrameCallback[] }

/**
 * A message for many connections. A server's frames are not masked, so all connections get the same bytes: framed once,
 * and once more for each encoder that connections share.
 */
export class BroadcastMessage {
  readonly message: string | Uint8Array
  /** Length of the payload in bytes. */
  readonly length: number
  /** Flushes all connections that got the message in this turn. */
  readonly joint: JointFlush
  readonly #payload: Payload
  #frame: Uint8Array | undefined
  #encoded: Map<SharedEncoder, EncodedFrame> | undefined

  constructor(message: string | Uint8Array, { payload, clock }: { readonly payload: Payload; readonly clock: Clock }) {
    this.message = message
    this.joint = new JointFlush(clock)
    this.length = typeof message === 'string' ? payload.byteLength(message) : message.length
    this.#payload = payload
  }

  /** Makes a copy, unless there is one, so that the sender may change the bytes. */
  keep(): this {
    if (typeof this.message !== 'string') this.#frame ??= this.#write()
    return this
  }

  /** The message in memory that the sender does not change. */
  get kept(): string | Uint8Array {
    return typeof this.message === 'string' ? this.message : this.frame.subarray(this.frame.length - this.length)
  }

  /** The whole frame, RFC 6455 §5.2. It never changes. */
  get frame(): Uint8Array {
    this.#frame ??= this.#write()
    return this.#frame
  }

  /**
   * The frame of the encoded message, or the plain frame if that is not longer. Returns 'later' for asynchronous
   * encoding: `done` is called once, after this call has returned.
   * @param messageBits reserved bits that mark an encoded message
   */
  encodedFrame(encoder: SharedEncoder, messageBits: number, done: FrameCallback): Uint8Array | 'later' {
    const known = this.#encoded?.get(encoder)
    if (known === undefined) return this.#encode(encoder, messageBits, done)
    if ('frame' in known) return known.frame
    known.waiting.push(done)
    return 'later'
  }

  #encode(encoder: SharedEncoder, messageBits: number, done: FrameCallback): Uint8Array | 'later' {
    const { frame } = this
    const waiting = [done]
    this.#encoded ??= new Map()
    const encoded = encoder.encode(frame, frame.length - this.length, frame.length, (later) => {
      const made = this.#writeEncoded(later, messageBits)
      this.#encoded!.set(encoder, { frame: made })
      for (const tell of waiting) tell(made)
    })
    if (encoded === 'later') {
      this.#encoded.set(encoder, { waiting })
      return 'later'
    }
    const made = this.#writeEncoded(encoded, messageBits)
    this.#encoded.set(encoder, { frame: made })
    return made
  }

  #writeEncoded(encoded: Uint8Array | undefined, messageBits: number): Uint8Array {
    if (encoded === undefined) return this.frame
    const { length } = encoded
    const frame = this.#payload.allocate(frameHeaderSize(length, false) + length)
    const at = writeFrameHeader(frame, 0, finBit | (messageBits << 4) | this.#opcode(), length, undefined)
    copyBytes(encoded, 0, length, frame, at)
    return frame
  }

  #opcode(): number {
    return typeof this.message === 'string' ? Opcode.text : Opcode.binary
  }

  #write(): Uint8Array {
    const { message, length } = this
    const frame = this.#payload.allocate(frameHeaderSize(length, false) + length)
    const at = writeFrameHeader(frame, 0, finBit | this.#opcode(), length, undefined)
    if (typeof message === 'string') this.#payload.encodeInto(message, frame, at)
    else copyBytes(message, 0, length, frame, at)
    return frame
  }
}
