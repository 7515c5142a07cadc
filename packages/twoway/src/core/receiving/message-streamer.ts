import type { Clock } from '../../ports/clock.js'
import type { Payload } from '../../ports/payload.js'
import { ProtocolError, TransportError } from '../errors.js'
import { Opcode } from '../opcode.js'
import { MessageReader } from './message-reader.js'
import type { MessageSink } from './message-sink.js'

/** Events of a streamer. */
export interface StreamerEvents {
  /** A message begins. */
  began(message: MessageReader): void
  /** Whether reading must wait for a message's reader. May repeat the last value. */
  mayRead(may: boolean): void
  /** The held memory may have changed. */
  heldChanged(): void
}

/** Bytes of an incomplete UTF-8 character, which wait until the rest has arrived. */
const longestPartOfCharacter = 3

/**
 * Delivers messages while they arrive, one at a time: the next begins once the reader has reached the end of the one
 * before or discarded it. Holds about as many unread bytes as the high-water mark; then reading stops.
 */
export class MessageStreamer implements MessageSink {
  readonly #payload: Payload
  readonly #clock: Clock
  readonly #maxHeldBytes: number
  readonly #maxDecodedBytes: number
  readonly #events: StreamerEvents
  /** No message is returned whole. */
  readonly messageBytes = 0
  #message: MessageReader | undefined
  #underWay = false
  #fin = false
  #isScheduled = false
  #isStopped = false
  #isResuming = false
  #isReleased = false

  constructor(
    payload: Payload,
    clock: Clock,
    { highWaterMarkBytes, maxMessageBytes }: { readonly highWaterMarkBytes: number; readonly maxMessageBytes: number },
    events: StreamerEvents,
  ) {
    this.#payload = payload
    this.#clock = clock
    this.#maxHeldBytes = Math.max(longestPartOfCharacter, highWaterMarkBytes)
    this.#maxDecodedBytes = highWaterMarkBytes + maxMessageBytes
    this.#events = events
  }

  get heldBytes(): number {
    // After the connection has closed, a whole message belongs to its reader.
    return this.#isReleased ? 0 : (this.#message?.capacity ?? 0)
  }

  get isUnderWay(): boolean {
    return this.#underWay
  }

  get isStreaming(): boolean {
    return this.#underWay
  }

  beginFrame(opcode: number, fin: boolean): void {
    this.#fin = fin
    if (opcode === Opcode.continuation) {
      if (!this.#underWay) throw new ProtocolError('continuationWithoutMessage')
      return
    }
    if (this.#underWay) throw new ProtocolError('messageWithinMessage')
    this.#underWay = true
    this.#message = new MessageReader(opcode === Opcode.text ? 'text' : 'binary', this.#payload, this.#update)
    this.#events.began(this.#message)
  }

  add(bytes: Uint8Array, start: number, end: number, remaining: number): undefined {
    this.#add(bytes, start, end, this.#fin && remaining === 0)
  }

  addDecoded(bytes: Uint8Array, start: number, end: number, last: boolean): undefined {
    this.#add(bytes, start, end, last)
    // A read can decompress to a thousand times its length, and decoding can't be stopped halfway.
    if (this.#message!.heldBytes > this.#maxDecodedBytes) {
      throw new ProtocolError('messageTooBig', `one read decompresses to more than ${this.#maxDecodedBytes} bytes`)
    }
  }

  release(reason: Error = new TransportError('the connection closed before the message was complete')): void {
    if (this.#underWay) this.evict(reason)
    this.#isReleased = true
  }

  evict(reason: Error): void {
    this.#underWay = false
    if (this.#message?.isOver === false) this.#message.fail(reason)
  }

  #add(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    // A handler may have closed the connection when the message began.
    if (!this.#underWay) return
    const message = this.#message!
    message.add(bytes, start, end)
    if (last) {
      message.end()
      this.#underWay = false
    }
    // Pieces of one turn are delivered together.
    if (!this.#isScheduled) {
      this.#isScheduled = true
      this.#clock.defer(this.#deliver)
    }
    this.#update()
  }

  readonly #deliver = (): void => {
    this.#isScheduled = false
    this.#message?.deliver()
  }

  #mayRead(): boolean {
    const message = this.#message!
    return message.isWhole ? message.isOver : message.heldBytes <= this.#maxHeldBytes
  }

  /** Reading resumes in a task of its own, so the reader can handle the end of a message before the next begins. */
  readonly #update = (): void => {
    this.#events.heldChanged()
    if (!this.#mayRead()) {
      this.#isStopped = true
      this.#events.mayRead(false)
    } else if (this.#isStopped && !this.#isResuming) {
      this.#isResuming = true
      this.#clock.task(this.#resume)
    }
  }

  readonly #resume = (): void => {
    this.#isResuming = false
    if (!this.#mayRead()) return
    this.#isStopped = false
    this.#events.mayRead(true)
  }
}
