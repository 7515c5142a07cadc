import type { Clock } from '../../ports/clock.js'

/**
 * Bytes of incomplete messages that all connections together read in a turn of the event loop. An event loop handles
 * every socket that is ready before it waits again, so without a bound thousands of peers fill one turn with copying:
 * `npm run safety` measures how long others wait meanwhile.
 */
const bytesPerTurn = 2 << 20

/** A connection that holds less than about one read may always read: its peer may be waiting for an answer. */
const smallBytes = 64 << 10

/** Connections that read in the next turn, so that one read of each stays within its bytes. */
const readersPerTurn = bytesPerTurn / smallBytes

/** A connection that reads long messages. */
export interface TurnTaker {
  /** Its turn has come: it may read on. Called in a task of its own. */
  takeTurn(): void
}

/**
 * Lets connections with long incomplete messages read in turns, so that many of them can't delay the others. Within a
 * turn, the first bytes are free for all; then each long reader waits in a queue, first come, first served.
 */
export class ReadTurns {
  readonly #clock: Clock
  readonly #waiting = new Set<TurnTaker>()
  #bytes = 0
  #isScheduled = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Counts the bytes of a read that left a message incomplete.
   * Returns false if the connection must stop reading until `takeTurn` is called.
   * @param heldBytes bytes of memory that the connection holds, or infinite if nothing that it reads matters any more
   */
  mayReadOn(taker: TurnTaker, bytes: number, heldBytes: number): boolean {
    this.#bytes += bytes
    this.#schedule()
    if (heldBytes < smallBytes || this.#bytes < bytesPerTurn) return true
    this.#waiting.add(taker)
    return false
  }

  /** A connection reads no more, or whatever it likes. */
  leave(taker: TurnTaker): void {
    this.#waiting.delete(taker)
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#clock.task(() => this.#begin())
  }

  /** Begins a turn. */
  #begin(): void {
    this.#isScheduled = false
    this.#bytes = 0
    let count = 0
    for (const taker of this.#waiting) {
      this.#waiting.delete(taker)
      taker.takeTurn()
      count += 1
      if (count === readersPerTurn) break
    }
    if (this.#waiting.size > 0) this.#schedule()
  }
}
