/**
 * The sequence number that the stream gives to the next message of this node: a guess, as other nodes store messages too. The
 * server confirms it before it counts.
 */
export class StreamTail {
  #stored = 0
  #underWay = 0

  /**
   * Takes the numbers of messages that are sent together, and returns the first one.
   * @param newest a number that the stream has given out. A guess at or below it could be that of a repeated message, which JetStream
   * would take for the one before the next
   */
  take(count: number, newest: number): number {
    const first = Math.max(this.#stored + this.#underWay, newest) + 1
    this.#underWay += count
    return first
  }

  /** One of them is answered: with its number, or none if it was not stored. */
  answered(sequence: number | undefined): void {
    this.#underWay -= 1
    // A stream that was made again, or restored, gives out lower numbers.
    if (sequence !== undefined && (sequence > this.#stored || this.#underWay === 0)) this.#stored = sequence
  }

  /** The stream has a message with this number. */
  saw(sequence: number): void {
    // While messages of this node are under way, this may be one of them, which would be counted twice.
    if (this.#underWay === 0 && sequence > this.#stored) this.#stored = sequence
  }
}
