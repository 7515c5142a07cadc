import type { Report, TalkEvent } from '../talk/talk-event.js'

/** A client whose input can wait. */
interface Pausable {
  pause(): void
  resume(): void
}

/**
 * Reports the events of many clients in order, to an output that may be slower than they are. A client is not read until
 * its events are written, and no further client is accepted meanwhile. So no more waits for the output than the events
 * of the clients that are connected.
 */
export class PacedReports {
  readonly #report: Report
  /** Resolves when the output has room; undefined if it has. */
  #full: Promise<void> | undefined

  constructor(report: Report) {
    this.#report = report
  }

  /** Returns a promise if the output has no room; it resolves when there is room. */
  room(): Promise<void> | undefined {
    return this.#full === undefined ? undefined : this.#untilRoom()
  }

  /** Reports an event, and pauses its client while the output has no room. */
  tell(client: Pausable | undefined, event: TalkEvent): void {
    const reported = this.#report(event)
    if (reported === undefined) return
    const full = reported.then(() => {
      if (this.#full === full) this.#full = undefined
      client?.resume()
    })
    this.#full = full
    client?.pause()
  }

  /** Clients that waited together fill the output again one by one. */
  async #untilRoom(): Promise<void> {
    while (this.#full !== undefined) await this.#full
  }
}
