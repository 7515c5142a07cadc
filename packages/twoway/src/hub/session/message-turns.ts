import type { SessionReader } from './session-types.js'

/** Messages of one client that wait for a decision on an earlier one. From then on, the connection is not read. */
const mostWaiting = 16
/** Messages of one client that take effect in a turn of the event loop: the others' turn comes then. */
const mostInTurn = 32

/** The turns of the event loop, which all sessions share. */
export interface Turns {
  /** A number that changes with each turn. */
  readonly turn: number
  inNextTurn(resume: () => void): void
}

/**
 * The messages of one client in their order: one that takes time holds up the next, and a client that sends many of them at
 * once shares each turn with the others.
 */
export class MessageTurns<Message> {
  readonly #turns: Turns
  readonly #reader: SessionReader
  readonly #handle: (message: Message) => void | Promise<void>
  readonly #waiting: Message[] = []
  #isBusy = false
  #turn = -1
  #inTurn = 0

  /** @param handle must neither throw nor reject */
  constructor(turns: Turns, reader: SessionReader, handle: (message: Message) => void | Promise<void>) {
    this.#turns = turns
    this.#reader = reader
    this.#handle = handle
  }

  take(message: Message): void {
    this.#waiting.push(message)
    if (!this.#isBusy) this.#next()
    else if (this.#waiting.length === mostWaiting) this.#reader.pause()
  }

  /** An answer of many messages counts as much as the questions that would have taken as long. */
  countAnswer(messages: number): void {
    this.#inTurn += messages >> 4
  }

  drop(): void {
    this.#waiting.length = 0
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      if (this.#isTurnOver()) {
        this.#goOnAfter((resume) => this.#turns.inNextTurn(resume))
        return
      }
      const message = this.#waiting.shift()!
      if (this.#waiting.length === mostWaiting - 1) this.#reader.resume()
      const done = this.#handle(message)
      if (done !== undefined) {
        this.#goOnAfter((resume) => void done.then(resume))
        return
      }
    }
  }

  #isTurnOver(): boolean {
    const { turn } = this.#turns
    if (turn !== this.#turn) this.#inTurn = 0
    this.#turn = turn
    this.#inTurn += 1
    return this.#inTurn > mostInTurn
  }

  #goOnAfter(wait: (resume: () => void) => void): void {
    this.#isBusy = true
    wait(() => {
      this.#isBusy = false
      this.#next()
    })
  }
}
