/** Objects of one kind that their users gave back, for the next user. */
export class Spares<Item extends object> {
  readonly #most: number
  /** Most users take and give back one object at a time. A field costs less than an array (`npm run bench:micro -- echo`). */
  #first: Item | undefined
  readonly #others: Item[] = []

  /** @param most objects that are kept; the others are left to V8 */
  constructor(most: number) {
    this.#most = most
  }

  /** An object that was given back, or undefined if there is none. The caller owns it. */
  take(): Item | undefined {
    const first = this.#first
    if (first === undefined) return this.#others.pop()
    this.#first = undefined
    return first
  }

  /** Takes back an object. The caller must not use it any more. */
  give(item: Item): void {
    if (this.#first === undefined) this.#first = item
    else if (this.#others.length < this.#most - 1) this.#others.push(item)
  }
}
