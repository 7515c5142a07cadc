import type { Writable } from 'node:stream'
import type { Message } from './talk-event.js'

/** What a command prints for others to read: it waits for a slow reader, and tells where the reader has gone. */
export class TextOutput {
  /** Whether a person reads it: then it must carry nothing that a terminal obeys. */
  readonly isTerminal: boolean
  /** Resolves when nobody reads any more, as `twoway connect ... | head -1` has it. */
  readonly gone: Promise<void>
  readonly #stream: Writable
  /** What all who wait for room share: a listener each would be a leak, and Node warns of it. */
  #room: { readonly promise: Promise<void>; resolve(): void } | undefined

  constructor(stream: Writable & { readonly isTTY?: boolean }) {
    this.#stream = stream
    this.isTerminal = stream.isTTY === true
    this.gone = new Promise((resolve) => {
      const leave = (): void => {
        resolve()
        this.#makeRoom()
      }
      stream.once('error', leave)
      stream.once('close', leave)
    })
    stream.on('drain', () => this.#makeRoom())
  }

  /** Returns a promise where the reader is slow: it resolves when there is room again, or nobody reads any more. */
  write(message: Message): Promise<void> | undefined {
    if (this.#stream.destroyed || this.#stream.write(message)) return undefined
    this.#room ??= withResolver()
    return this.#room.promise
  }

  #makeRoom(): void {
    this.#room?.resolve()
    this.#room = undefined
  }
}

function withResolver(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
