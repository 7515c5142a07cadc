/**
 * A set without order, for members that come and go all the time. A Set would be slower: V8 keeps a Set's former tables
 * in a chain, so that removed members survive young collections (`npm run bench`, row `handshake`). No member may be
 * removed during iteration.
 */
export class UnorderedSet<Member extends { index: number }> implements Iterable<Member> {
  readonly #members: Member[] = []

  get size(): number {
    return this.#members.length
  }

  /** Some member, or undefined if the set is empty: the one added last, unless others were removed since. */
  get last(): Member | undefined {
    return this.#members.at(-1)
  }

  /** Adds a member that is in no such set. The set owns `index` from then on. */
  add(member: Member): void {
    member.index = this.#members.push(member) - 1
  }

  /** Removes a member. Does nothing if its `index` is -1, that is, if it is in no set. */
  remove(member: Member): void {
    const { index } = member
    if (index < 0) return
    member.index = -1
    const last = this.#members.pop()!
    if (last === member) return
    this.#members[index] = last
    last.index = index
  }

  [Symbol.iterator](): IterableIterator<Member> {
    return this.#members.values()
  }
}
