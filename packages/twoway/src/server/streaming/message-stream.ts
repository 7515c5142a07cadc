import { ProtocolError, UsageError } from '../../core/errors.js'
import { textToBytes } from '../../core/payload/text-to-bytes.js'
import type { MessageReader } from '../../core/receiving/message-reader.js'
import type { Payload } from '../../ports/payload.js'
import * as platform from '../platform.js'
import type { MessageStream } from '../server-types.js'

interface StreamSettings {
  readonly payload: Payload
  /** The most bytes that `text` and `bytes` take. */
  readonly maxBytes: number
  /** The message is longer. */
  onTooLong(error: ProtocolError): void
}

type Piece = string | Uint8Array

/** A message in pieces, as the user reads it. */
export class UserMessageStream implements MessageStream {
  readonly #message: MessageReader
  readonly #settings: StreamSettings
  #isTaken = false
  #readable: ReadableStream<Piece> | undefined

  constructor(message: MessageReader, settings: StreamSettings) {
    this.#message = message
    this.#settings = settings
  }

  get type(): 'text' | 'binary' {
    return this.#message.type
  }

  /** Whether reading has begun. */
  get isTaken(): boolean {
    return this.#isTaken
  }

  get readable(): ReadableStream<Piece> {
    if (this.#readable !== undefined) return this.#readable
    this.#take()
    this.#readable = new platform.ReadableStream<Piece>(
      {
        pull: async (controller) => {
          const piece = await this.#message.next()
          if (piece === undefined) controller.close()
          else controller.enqueue(piece)
        },
        cancel: () => this.#message.discard(),
      },
      { highWaterMark: 0 },
    )
    return this.#readable
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Piece, void, undefined> {
    this.#take()
    try {
      for (;;) {
        const piece = await this.#message.next()
        if (piece === undefined) return
        yield piece
      }
    } finally {
      this.#message.discard()
    }
  }

  async text(): Promise<string> {
    const parts: string[] = []
    if (this.type === 'text') {
      await this.#collect((piece) => parts.push(piece as string))
      return parts.join('')
    }
    const bytes = await this.bytes()
    const text = this.#settings.payload.decode(bytes, 0, bytes.length)
    if (text === undefined) throw new UsageError('messageNotUtf8', 'this binary message is not UTF-8: read its bytes()')
    return text
  }

  async bytes(): Promise<Uint8Array> {
    const { payload } = this.#settings
    const parts: Uint8Array[] = []
    const length = await this.#collect((piece) =>
      parts.push(typeof piece === 'string' ? textToBytes(payload, piece) : piece),
    )
    const whole = payload.allocate(length)
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    return whole
  }

  /** Takes all pieces, and returns the number of their bytes. */
  async #collect(take: (piece: Piece) => void): Promise<number> {
    const { payload, maxBytes, onTooLong } = this.#settings
    let length = 0
    for await (const piece of this) {
      length += typeof piece === 'string' ? payload.byteLength(piece) : piece.length
      if (length > maxBytes) {
        const error = new ProtocolError('messageTooBig', `the limit is ${maxBytes} bytes`)
        onTooLong(error)
        throw error
      }
      take(piece)
    }
    return length
  }

  #take(): void {
    if (this.#isTaken)
      throw new UsageError('messageTaken', 'a message can be read once: keep what the first reader got')
    this.#isTaken = true
  }
}
