import type { Clock } from '../../ports/clock.js'
import type { FrameWriter } from './frame-writer.js'

interface FramedMessage {
  /** `appendedBytes` at the end of the frame. */
  readonly end: number
  readonly payloadLength: number
  readonly isChanged: boolean
}

/**
 * Payload bytes of framed messages that the network has not taken, counted before an extension encodes them: a part of
 * `bufferedAmount`, WHATWG WebSockets §3.1.
 */
export class UnsentMessages {
  readonly #frameWriter: Pick<FrameWriter, 'appendedBytes' | 'waitingBytes'>
  readonly #clock: Clock
  readonly #messages: FramedMessage[] = []
  #first = 0
  /** Payload bytes of the messages from `#first` on. */
  #payloadLength = 0
  #droppedBytes = 0
  /** The bytes that the network had taken before the first message of this task. */
  #takenBefore: number | undefined

  constructor(frameWriter: Pick<FrameWriter, 'appendedBytes' | 'waitingBytes'>, clock: Clock) {
    this.#frameWriter = frameWriter
    this.#clock = clock
  }

  /** Includes dropped messages. */
  get bytes(): number {
    return this.#droppedBytes + this.#payloadBeyond(this.#takenBefore ?? this.#taken())
  }

  /** Keeps `bytes` from falling until the current task ends, as the standard requires. */
  freeze(): void {
    if (this.#takenBefore !== undefined) return
    this.#takenBefore = this.#taken()
    this.#clock.task(() => {
      this.unfreeze()
      // Forgets sent messages even if nothing reads `bytes`.
      this.#payloadBeyond(this.#taken())
    })
  }

  /** Ends `freeze`. */
  unfreeze(): void {
    this.#takenBefore = undefined
  }

  /** Adds the message that was framed last. An encoded message counts in full until all of it is sent. */
  add(payloadLength: number, isChanged: boolean): void {
    this.#messages.push({ end: this.#frameWriter.appendedBytes, payloadLength, isChanged })
    this.#payloadLength += payloadLength
  }

  /** Counts a message that will never be framed. */
  drop(payloadLength: number): void {
    this.#droppedBytes += payloadLength
  }

  #taken(): number {
    return this.#frameWriter.appendedBytes - this.#frameWriter.waitingBytes
  }

  #payloadBeyond(taken: number): number {
    const messages = this.#messages
    while (this.#first < messages.length && messages[this.#first]!.end <= taken) {
      this.#payloadLength -= messages[this.#first++]!.payloadLength
    }
    if (2 * this.#first >= messages.length) {
      messages.splice(0, this.#first)
      this.#first = 0
    }
    const next = messages[this.#first]
    if (next === undefined || next.isChanged) return this.#payloadLength
    // Only the next message can be sent in part.
    return this.#payloadLength - next.payloadLength + Math.min(next.payloadLength, next.end - taken)
  }
}
