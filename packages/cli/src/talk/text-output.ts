import type { Writable } from 'node:stream'
import type { Message } from './talk-event.js'

/** The output of a command. It waits for a slow reader, and reports when the reader has gone. */
export class TextOutput {
  /** Whether it is a terminal: then it must not contain control sequences of a peer. */
  readonly isTerminal: boolean
  /** Resolves when the reader has gone, as in `twoway connect ... | head -1`. */
  readonly gone: Promise<void>
  readonly #stream: Writable
  /** Node never leaves its standard output destroyed: a write to it still waits. */
  #isGone = false
  /** Shared by all writes that wait: a listener for each would be a leak, of which Node warns. */
  #room: { readonly promise: Promise<void>; resolve(): void } | undefined

  constructor(stream: Writable & { readonly isTTY?: boolean }) {
    this.#stream = stream
    this.isTerminal = stream.isTTY === true
    this.gone = new Promise((resolve) => {
      const leave = (): void => {
        this.#isGone = true
        resolve()
        this.#makeRoom()
      }
      stream.once('error', leave)
      stream.once('close', leave)
    })
    stream.on('drain', () => this.#makeRoom())
  }

  /** Returns a promise if the reader is slow; it resolves when there is room again or the reader has gone. */
  write(message: Message): Promise<void> | undefined {
    if (this.#isGone || this.#stream.destroyed || this.#stream.write(message)) return undefined
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
