import { TransportError } from '../../core/errors.js'

/** Calls that wait until the queued messages of a connection are written, or until the connection closes. */
export class Waiters {
  readonly #forDrain: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = []
  #forClosing: Set<(error: Error) => void> | undefined

  drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#forDrain.push({ resolve, reject })
    })
  }

  /** Returns a function that cancels the call. */
  whenClosing(callback: (error: Error) => void): () => void {
    this.#forClosing ??= new Set()
    this.#forClosing.add(callback)
    return () => this.#forClosing?.delete(callback)
  }

  tellDrained(): void {
    for (const { resolve } of this.#forDrain.splice(0)) resolve()
  }

  /** The last call. */
  tellClosing(): void {
    for (const { reject } of this.#forDrain) reject(closedWhileWaiting())
    const callbacks = this.#forClosing ?? []
    this.#forClosing = undefined
    for (const callback of callbacks) callback(closedWhileWaiting())
  }
}

export function closedWhileWaiting(): Error {
  return new TransportError('the connection closed before all queued messages were sent')
}
