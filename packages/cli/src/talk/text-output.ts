import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { Message } from './talk-event.js'

/** What a command prints for others to read: it waits for a slow reader, and tells where the reader has gone. */
export class TextOutput {
  readonly #stream: Writable
  /** Resolves when nobody reads any more, as `twoway connect ... | head -1` has it. */
  readonly gone: Promise<void>

  constructor(stream: Writable) {
    this.#stream = stream
    this.gone = new Promise((resolve) => {
      stream.once('error', () => resolve())
      stream.once('close', () => resolve())
    })
  }

  /** Returns a promise where the reader is slow: it resolves when there is room again, or nobody reads any more. */
  write(message: Message): Promise<void> | undefined {
    if (this.#stream.destroyed || this.#stream.write(message)) return undefined
    return Promise.race([once(this.#stream, 'drain').then(noop, noop), this.gone])
  }
}

function noop(): void {}
