import type { Payload } from '../ports/payload.js'
import { copyOctets } from './copy-octets.js'
import { frameHeaderSize, writeFrameHeader } from './frames/frame-header.js'
import { Opcode } from './frames/opcode.js'

const finBit = 0x80

/** A message for many connections: a server's frames are not masked, so the same octets go to all, framed once. */
export class BroadcastMessage {
  readonly message: string | Uint8Array
  readonly #payload: Payload
  #frame: Uint8Array | undefined

  constructor(message: string | Uint8Array, payload: Payload) {
    this.message = message
    this.#payload = payload
  }

  /** The whole frame, RFC 6455 §5.2. Nothing of it changes any more. */
  get frame(): Uint8Array {
    this.#frame ??= this.#write()
    return this.#frame
  }

  #write(): Uint8Array {
    const { message } = this
    const isText = typeof message === 'string'
    const length = isText ? this.#payload.byteLength(message) : message.length
    const frame = this.#payload.allocate(frameHeaderSize(length, false) + length)
    const at = writeFrameHeader(frame, 0, finBit | (isText ? Opcode.text : Opcode.binary), length, undefined)
    if (isText) this.#payload.encodeInto(message, frame, at)
    else copyOctets(message, 0, length, frame, at)
    return frame
  }
}
