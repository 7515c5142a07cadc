/**
 * Members that come and go all the time, in no order. Not a Set: V8 keeps a Set's former tables in a chain, and what was
 * in them, with all that hangs on it, past young collections, which took a sixth of a handshake's time.
 * None may be removed while it is iterated over.
 */
export class UnorderedSet<Member extends { index: number }> implements Iterable<Member> {
  readonly #members: Member[] = []

  get size(): number {
    return this.#members.length
  }

  /** One of the members, undefined where there is none: the one added last, unless others were removed since. */
  get last(): Member | undefined {
    return this.#members.at(-1)
  }

  /** Adds a member of no roster; its `index` is the roster's own from now on. */
  add(member: Member): void {
    member.index = this.#members.push(member) - 1
  }

  /** Removes a member, where it is one: `index` is -1 for one that is none. */
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
