import type { PlatformAbortSignal } from '../ports/platform-types.js'

/** An AbortSignal that is made when it is asked for: few handlers do, and one costs more than a handshake's parsing. */
export class LazyAbort {
  #controller: AbortController | undefined
  #reason: Error | undefined

  get signal(): PlatformAbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  abort(reason: Error): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#controller?.abort(reason)
  }

  /** Whether an error only says that this signal was heeded. */
  explains(error: unknown): boolean {
    if (this.#reason === undefined) return false
    return error === this.#reason || (error instanceof Error && error.name === 'AbortError')
  }
}
