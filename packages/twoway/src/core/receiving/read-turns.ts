import type { Clock } from '../../ports/clock.js'
import type { MemoryBudget } from '../../ports/memory-budget.js'

/**
 * Bytes of incomplete messages that all connections read in a turn of the event loop before some must wait. An event loop
 * handles every socket that is ready before it does anything else, so thousands of peers could fill one turn with copying:
 * `npm run safety` measures how long others wait meanwhile.
 */
const bytesPerTurn = 2 << 20

/** A connection that holds less than a read brings need not wait. */
const smallBytes = 64 << 10

/**
 * While the incomplete input of all peers takes less memory, or less than this share of their budget, no connection waits: a
 * few peers send a few long messages (`npm run bench`, row `binary-1m`).
 */
const fewBytes = 16 << 20
const shareOfBudget = 1 / 16

/** Connections whose turn comes at a time: one read of each stays within the bytes of a turn. */
const takersPerTurn = bytesPerTurn / smallBytes

/** A connection that waits for its turn. */
export interface TurnTaker {
  /** The turn has come. Called in a task that other connections share. Returns false if there was nothing to do. */
  takeTurn(): boolean
}

/**
 * Bounds the work of one turn of the event loop on long incomplete messages, so that peers that send many of them delay no
 * one else. Connections above the bound wait in a queue for a later turn, first come, first served.
 */
export class ReadTurns {
  readonly #clock: Clock
  readonly #budget: MemoryBudget
  readonly #fewBytes: number
  #waiting: TurnTaker[] = []
  /** The index of the first that waits. */
  #first = 0
  #bytes = 0
  #isScheduled = false

  /** @param budget counts the incomplete input of all connections */
  constructor(clock: Clock, budget: MemoryBudget) {
    this.#clock = clock
    this.#budget = budget
    this.#fewBytes = Math.min(fewBytes, budget.limit * shareOfBudget)
  }

  /**
   * Counts a read that left a message incomplete, and returns whether the connection may read on in this turn.
   * @param heldBytes bytes of memory that the connection holds; Infinity if it discards what it reads
   */
  mayReadOn(bytes: number, heldBytes: number): boolean {
    if (heldBytes !== Number.POSITIVE_INFINITY && this.#budget.used < this.#fewBytes) return true
    this.#bytes += bytes
    this.#schedule()
    return heldBytes < smallBytes || this.#bytes < bytesPerTurn
  }

  /** Calls `takeTurn` in a later turn, once. */
  wait(taker: TurnTaker): void {
    this.#waiting.push(taker)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#clock.task(() => this.#begin())
  }

  #begin(): void {
    this.#isScheduled = false
    this.#bytes = 0
    for (let count = 0; count < takersPerTurn && this.#first < this.#waiting.length; this.#first++) {
      if (this.#waiting[this.#first]!.takeTurn()) count += 1
    }
    if (this.#first < this.#waiting.length) this.#schedule()
    if (2 * this.#first >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first)
      this.#first = 0
    }
  }
}
