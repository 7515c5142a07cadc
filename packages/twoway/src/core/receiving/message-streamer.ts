import type { Clock } from '../../ports/clock.js'
import type { Payload } from '../../ports/payload.js'
import { ProtocolError, TransportError } from '../errors.js'
import { Opcode } from '../opcode.js'
import { MessageReader } from './message-reader.js'
import type { MessageSink } from './message-sink.js'

/** What a streamer tells of. */
export interface StreamerEvents {
  /** A message begins. */
  began(message: MessageReader): void
  /** Whether reading has to wait for the reader of a message has changed, or may have. */
  mayRead(may: boolean): void
  /** What is held has changed, or may have. */
  heldChanged(): void
}

/** Bytes of UTF-8 that no reader can be given, and that wait for the next: what came of a character. */
const longestPartOfCharacter = 3

/**
 * Hands messages over while they arrive, one after the other: the next begins when the one before has been read to its
 * end or been discarded. What waits for the reader is held up to about the high-water mark; then reading has to wait.
 */
export class MessageStreamer implements MessageSink {
  readonly #payload: Payload
  readonly #clock: Clock
  readonly #maxHeldBytes: number
  readonly #maxDecodedBytes: number
  readonly #events: StreamerEvents
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
    // What has come whole before the connection closed is its reader's alone from then on.
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
    // One read can unfold to a thousand times its length, and can't be stopped on the way.
    if (this.#message!.heldBytes > this.#maxDecodedBytes) {
      throw new ProtocolError('messageTooBig', `one read unfolds to more than ${this.#maxDecodedBytes} bytes`)
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
    // A handler may have closed the connection as the message began.
    if (!this.#underWay) return
    const message = this.#message!
    message.add(bytes, start, end)
    if (last) {
      message.end()
      this.#underWay = false
    }
    // What comes within a turn is handed over together.
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

  get #mayRead(): boolean {
    const message = this.#message!
    return message.isWhole ? message.isOver : message.heldBytes <= this.#maxHeldBytes
  }

  /** Reading goes on in a task of its own: what the reader does with the end of a message comes before the next. */
  readonly #update = (): void => {
    this.#events.heldChanged()
    if (!this.#mayRead) {
      this.#isStopped = true
      this.#events.mayRead(false)
    } else if (this.#isStopped && !this.#isResuming) {
      this.#isResuming = true
      this.#clock.task(this.#resume)
    }
  }

  readonly #resume = (): void => {
    this.#isResuming = false
    if (!this.#mayRead) return
    this.#isStopped = false
    this.#events.mayRead(true)
  }
}
