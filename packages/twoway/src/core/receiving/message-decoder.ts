import { ProtocolError } from '../errors.js'
import type { Extension } from '../extensions/extension.js'
import type { MessageSink } from './message-sink.js'

/** What becomes of a message that took longer to decode. */
export interface DecoderEvents {
  /** It broke a rule. */
  decodingFailed(error: ProtocolError): void
  /** What came is decoded; with the message where it completes one that is handed over whole. */
  decoded(message: string | Uint8Array | undefined): void
}

/**
 * Has an extension undo what it did to messages, piece by piece as they come, on their way to where messages go.
 * Between two pieces it holds nothing, so that one serves as long as it is at work and another goes on.
 */
export class MessageDecoder {
  readonly #extension: Extension
  readonly #sink: MessageSink
  readonly #events: DecoderEvents
  #message: string | Uint8Array | undefined
  #isBusy = false
  #decodedBytes = 0

  /** @param events told of what took longer, later than `decode` returned */
  constructor(extension: Extension, sink: MessageSink, events: DecoderEvents) {
    this.#extension = extension
    this.#sink = sink
    this.#events = events
  }

  /** Bytes that came out. */
  get decodedBytes(): number {
    return this.#decodedBytes
  }

  /** Whether the piece given last is still being decoded: nothing may follow before `events` tells of it. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /**
   * Takes a piece, `last` with the end of the message. Returns the message where this completes one that is handed over
   * whole. Throws a ProtocolError for what the extension can't read, or for a message that grows too long.
   */
  decode(bytes: Uint8Array, start: number, end: number, last: boolean): string | Uint8Array | undefined {
    this.#isBusy = this.#extension.decode(bytes, start, end, last, this.#emit, this.#done) === 'later'
    return this.#takeMessage()
  }

  readonly #emit = (bytes: Uint8Array, start: number, end: number, last: boolean): void => {
    this.#decodedBytes += end - start
    this.#message = this.#sink.addDecoded(bytes, start, end, last)
  }

  readonly #done = (error?: unknown): void => {
    this.#isBusy = false
    const message = this.#takeMessage()
    this.#sink.readEnds?.()
    if (error === undefined) this.#events.decoded(message)
    else if (error instanceof ProtocolError) this.#events.decodingFailed(error)
    else throw error
  }

  #takeMessage(): string | Uint8Array | undefined {
    const message = this.#message
    this.#message = undefined
    return message
  }
}
