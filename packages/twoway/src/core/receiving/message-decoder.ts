import { ProtocolError } from '../errors.js'
import type { Extension } from '../extensions/extension.js'
import type { MessageSink } from './message-sink.js'

/** Results of asynchronous decoding. */
export interface DecoderEvents {
  /** All input so far was decoded, to so many more bytes: none for empty blocks. */
  progressed(decodedBytes: number): void
  /** The message broke a rule. */
  decodingFailed(error: ProtocolError): void
  /** The piece was decoded. Carries the message if that completed it, unless messages are streamed. */
  decoded(message: string | Uint8Array | undefined): void
}

/**
 * Lets an extension decode messages piece by piece and passes the result to a sink. Keeps nothing between two pieces,
 * so a new decoder can continue the work.
 */
export class MessageDecoder {
  readonly #extension: Extension
  readonly #sink: MessageSink
  readonly #events: DecoderEvents
  #message: string | Uint8Array | undefined
  #isBusy = false
  #decodedBytes = 0

  /** @param events called after `decode` has returned 'later' */
  constructor(extension: Extension, sink: MessageSink, events: DecoderEvents) {
    this.#extension = extension
    this.#sink = sink
    this.#events = events
  }

  /** Bytes of decoded output. */
  get decodedBytes(): number {
    return this.#decodedBytes
  }

  /** Whether the last piece is still being decoded. The next piece must wait for an event. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /**
   * Decodes a piece; `last` at the end of the message. Returns the message if this completes it, unless messages are
   * streamed. Throws a ProtocolError if the data is malformed or the message too long.
   */
  decode(bytes: Uint8Array, start: number, end: number, last: boolean): string | Uint8Array | undefined {
    this.#isBusy = this.#extension.decode(bytes, start, end, last, this.#emit, this.#done) === 'later'
    return this.#takeMessage()
  }

  readonly #emit = (bytes: Uint8Array, start: number, end: number, last: boolean): void => {
    this.#decodedBytes += end - start
    this.#events.progressed(end - start)
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
