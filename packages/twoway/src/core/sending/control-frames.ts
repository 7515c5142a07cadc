import type { Payload } from '../../ports/payload.js'
import { UsageError } from '../errors.js'
import { Opcode } from '../opcode.js'
import type { FrameParser } from '../receiving/frame-parser.js'
import type { FrameWriter } from './frame-writer.js'
import { finBit } from './write-frame-header.js'

/** RFC 6455 §5.5. */
const longestPayload = 125

/**
 * The control frames of a connection, RFC 6455 §5.5: sends Pings and Pongs, which may go between the fragments of a
 * message, and gathers received frames that are split. The send queue sends the Close.
 */
export class ControlFrames {
  readonly #frameWriter: FrameWriter
  readonly #payload: Payload
  readonly #highWaterMarkBytes: number
  #gathered: Uint8Array | undefined
  #length = 0
  /** The payload of the latest Ping that is still to be answered. */
  #waitingPong: Uint8Array | undefined

  constructor(frameWriter: FrameWriter, payload: Payload, highWaterMarkBytes: number) {
    this.#frameWriter = frameWriter
    this.#payload = payload
    this.#highWaterMarkBytes = highWaterMarkBytes
  }

  /** Adds the parser's current piece. Returns the whole payload with the last piece, valid until the next call. */
  gather(bytes: Uint8Array, parser: FrameParser): Uint8Array | undefined {
    if (parser.begins) this.#length = 0
    this.#gathered ??= this.#payload.allocate(longestPayload)
    this.#gathered.set(bytes.subarray(parser.start, parser.end), this.#length)
    this.#length += parser.end - parser.start
    return parser.remaining === 0 ? this.#gathered.subarray(0, this.#length) : undefined
  }

  /** Throws a UsageError if a payload is too long. */
  checkPing(payload: Uint8Array): void {
    if (payload.length <= longestPayload) return
    throw new UsageError(
      'controlPayloadTooLong',
      `a Ping or Pong may carry at most ${longestPayload} bytes, this one has ${payload.length}: shorten it`,
    )
  }

  /** §5.5.2. */
  sendPing(payload: Uint8Array): void {
    this.#send(Opcode.ping, payload)
  }

  /** §5.5.3. */
  sendPong(payload: Uint8Array): void {
    this.#send(Opcode.pong, payload)
  }

  /** Answers a Ping, §5.5.2. While the network lags, only the latest Ping is answered, as §5.5.3 allows. */
  answerPing(bytes: Uint8Array, start: number, end: number): void {
    if (this.#frameWriter.waitingBytes > this.#highWaterMarkBytes) {
      this.#waitingPong = this.#payload.copy(bytes, start, end)
    } else {
      this.#waitingPong = undefined
      this.#frameWriter.addBytes(finBit | Opcode.pong, bytes, start, end)
    }
  }

  /** Answers that Ping once the network has caught up. */
  sendWaitingPong(): void {
    const pong = this.#waitingPong
    if (pong === undefined) return
    this.#waitingPong = undefined
    this.#send(Opcode.pong, pong)
  }

  #send(opcode: number, payload: Uint8Array): void {
    this.#frameWriter.addBytes(finBit | opcode, payload, 0, payload.length)
  }
}
