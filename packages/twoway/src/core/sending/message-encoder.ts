import type { ConnectionPorts } from '../connection-types.js'
import type { Extension, SharedEncoder } from '../extensions/extension.js'
import { Opcode } from '../opcode.js'
import { textToBytes } from '../payload/text-to-bytes.js'
import { BroadcastMessage } from './broadcast-message.js'
import { byReferenceBytes, type FrameWriter } from './frame-writer.js'
import { lengthOf, TextBytes, type WholeMessage } from './whole-message.js'
import { finBit } from './write-frame-header.js'

/** The send queue, as the encoder sees it. */
export interface MessageEncoderQueue {
  readonly frameWriter: FrameWriter
  readonly ports: ConnectionPorts
  /** A message of this length is encoded asynchronously: later ones wait for it. */
  awaitEncoding(length: number): void
  /** That message was encoded. The queue calls `frame`, unless it has dropped the message. */
  encoded(frame: () => void): void
  /** A message of this length was framed; `isEncoded` unless it went out unchanged. */
  countFramed(length: number, isEncoded: boolean): void
}

/** Lets an extension encode whole messages, and frames the result. */
export class MessageEncoder {
  readonly extension: Extension
  readonly #queue: MessageEncoderQueue

  constructor(extension: Extension, queue: MessageEncoderQueue) {
    this.extension = extension
    this.#queue = queue
  }

  /** Encodes and frames a message. Returns the length of its payload, or 0 if the extension leaves the message as it is. */
  encode(message: WholeMessage, compress: boolean | undefined): number {
    const length = this.#lengthToEncode(message, compress)
    if (length === 0) return 0
    const { shared } = this.extension
    if (!(message instanceof BroadcastMessage)) this.#encodeAlone(message, length)
    else if (shared === undefined) this.#encodeAlone(message.kept, length)
    else this.#encodeShared(shared, message)
    return length
  }

  /** Length of the payload if the extension is to encode it, else 0. */
  #lengthToEncode(message: WholeMessage, compress: boolean | undefined): number {
    // Computing a text's length in bytes takes a pass over it; three times its length is an upper bound.
    const most = typeof message === 'string' ? 3 * message.length : message.length
    if (!this.extension.wants(most, compress)) return 0
    const length = lengthOf(this.#queue.ports.payload, message)
    return this.extension.wants(length, compress) ? length : 0
  }

  #encodeAlone(message: string | Uint8Array | TextBytes, length: number): void {
    const chunk = length <= byReferenceBytes ? this.#queue.ports.scratchPool.take() : undefined
    const isBytes = message instanceof TextBytes
    const opcode = isBytes || typeof message === 'string' ? Opcode.text : Opcode.binary
    const bytes = this.#toEncode(isBytes ? message.bytes : message, length, chunk)
    const encoded = this.extension.encode(bytes, 0, length, true, length - 1, (later) => {
      this.#queue.encoded(() => this.#frame(opcode, bytes, length, later, chunk))
    })
    if (encoded === 'later') this.#queue.awaitEncoding(length)
    else this.#frame(opcode, bytes, length, encoded, chunk)
  }

  #encodeShared(encoder: SharedEncoder, broadcast: BroadcastMessage): void {
    const { frameWriter } = this.#queue
    const frame = broadcast.encodedFrame(encoder, this.extension.messageBits, (later) => {
      this.#queue.encoded(() => frameWriter.addFrame(later))
    })
    if (frame === 'later') this.#queue.awaitEncoding(broadcast.length)
    else frameWriter.addFrame(frame, broadcast.joint)
  }

  #frame(
    opcode: Opcode,
    bytes: Uint8Array,
    length: number,
    encoded: Uint8Array | undefined,
    chunk: Uint8Array | undefined,
  ): void {
    const { frameWriter, ports } = this.#queue
    if (encoded === undefined) {
      frameWriter.addBytes(finBit | opcode, bytes, 0, length)
    } else {
      // The output is valid only until the next call of the extension, and the frame writer does not copy long bytes.
      const own = encoded.length < byReferenceBytes ? encoded : ports.payload.copy(encoded, 0, encoded.length)
      frameWriter.addBytes(finBit | (this.extension.messageBits << 4) | opcode, own, 0, own.length)
    }
    this.#queue.countFramed(length, encoded !== undefined)
    if (chunk !== undefined) ports.scratchPool.give(chunk)
  }

  /** The message as bytes that stay unchanged; short ones are in a chunk. */
  #toEncode(message: string | Uint8Array, length: number, chunk: Uint8Array | undefined): Uint8Array {
    const { payload } = this.#queue.ports
    if (typeof message === 'string') {
      if (chunk === undefined) return textToBytes(payload, message, length)
      payload.encodeInto(message, chunk, 0)
      return chunk
    }
    if (chunk === undefined) return this.#queue.frameWriter.masks ? payload.copy(message, 0, length) : message
    chunk.set(message)
    return chunk
  }
}
