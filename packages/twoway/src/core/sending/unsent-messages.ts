import type { Clock } from '../../ports/clock.js'
import type { FrameWriter } from './frame-writer.js'

interface FramedMessage {
  /** The bytes of the connection up to the end of its frame. */
  readonly end: number
  readonly payloadLength: number
  readonly isChanged: boolean
}

/**
 * The bytes of messages that were framed and that the network has not taken, without their frames and in the length that
 * they had before an extension changed them: what `bufferedAmount` counts, WHATWG WebSockets §3.1.
 */
export class UnsentMessages {
  readonly #frameWriter: Pick<FrameWriter, 'appendedBytes' | 'waitingBytes'>
  readonly #clock: Clock
  readonly #messages: FramedMessage[] = []
  #first = 0
  /** The payload of the messages from `#first` on. */
  #payloadLength = 0
  #droppedBytes = 0
  /** What the network had taken before the first message of this task. */
  #takenBefore: number | undefined

  constructor(frameWriter: Pick<FrameWriter, 'appendedBytes' | 'waitingBytes'>, clock: Clock) {
    this.#frameWriter = frameWriter
    this.#clock = clock
  }

  /** Messages that are dropped stay counted. */
  get bytes(): number {
    return this.#droppedBytes + this.#payloadBeyond(this.#takenBefore ?? this.#taken)
  }

  /** Keeps the number of bytes from falling before the current task ends: what a task sends counts in full until then. */
  freeze(): void {
    if (this.#takenBefore !== undefined) return
    this.#takenBefore = this.#taken
    this.#clock.task(() => {
      this.unfreeze()
      // Forgets what has gone, also where `bytes` is never asked for.
      this.#payloadBeyond(this.#taken)
    })
  }

  /** Ends `freeze`. */
  unfreeze(): void {
    this.#takenBefore = undefined
  }

  /** The message that was framed last. One that an extension has changed counts in full until all of it has gone. */
  add(payloadLength: number, isChanged: boolean): void {
    this.#messages.push({ end: this.#frameWriter.appendedBytes, payloadLength, isChanged })
    this.#payloadLength += payloadLength
  }

  /** A message that will not be framed. */
  drop(payloadLength: number): void {
    this.#droppedBytes += payloadLength
  }

  get #taken(): number {
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
    // Only the next message can have gone in part.
    return this.#payloadLength - next.payloadLength + Math.min(next.payloadLength, next.end - taken)
  }
}
