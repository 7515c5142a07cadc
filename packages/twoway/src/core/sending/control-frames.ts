import type { Payload } from '../../ports/payload.js'
import { UsageError } from '../errors.js'
import { Opcode } from '../opcode.js'
import type { FrameParser } from '../receiving/frame-parser.js'
import type { FrameWriter } from './frame-writer.js'
import { finBit } from './write-frame-header.js'

const longestPayload = 125

/** Throws a UsageError if the payload of a Ping or a Pong is too long, RFC 6455 §5.5. */
export function checkControlPayload(payload: Uint8Array): void {
  if (payload.length <= longestPayload) return
  throw new UsageError(
    'controlPayloadTooLong',
    `a Ping or Pong may carry at most ${longestPayload} bytes, this one has ${payload.length}: shorten it`,
  )
}

/** Sends a Ping or a Pong, which may go between the fragments of a message, §5.4. The send queue sends the Close. */
export function sendControl(
  frameWriter: FrameWriter,
  opcode: number,
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
): void {
  frameWriter.addBytes(finBit | opcode, bytes, start, end)
}

/**
 * The control frames of a connection that it can't handle at once, §5.5: received ones that are split, and Pings that
 * arrive while the network lags. Most connections need none.
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

  /** Answers a Ping, §5.5.2. While the network lags, only the latest Ping is answered, as §5.5.3 allows. */
  answerPing(bytes: Uint8Array, start: number, end: number): void {
    if (this.#frameWriter.waitingBytes > this.#highWaterMarkBytes) {
      this.#waitingPong = this.#payload.copy(bytes, start, end)
    } else {
      this.#waitingPong = undefined
      sendControl(this.#frameWriter, Opcode.pong, bytes, start, end)
    }
  }

  /** Answers that Ping once the network has caught up. */
  sendWaitingPong(): void {
    const pong = this.#waitingPong
    if (pong === undefined) return
    this.#waitingPong = undefined
    sendControl(this.#frameWriter, Opcode.pong, pong)
  }
}
