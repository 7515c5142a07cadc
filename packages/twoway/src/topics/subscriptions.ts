import { isPattern } from './topic-name.js'
import { TopicTrie } from './topic-trie.js'

/** A topic or pattern, and its subscribers. */
interface Subscribed<Member> {
  readonly pattern: string
  readonly members: Set<Member>
}

/** What a member subscribes to: most have one topic, which needs no Set of its own. */
type Topics<Member> = Subscribed<Member> | Set<Subscribed<Member>>

const none: ReadonlySet<never> = new Set<never>()

/**
 * The subscriptions of many members to topics and patterns. Names must have no fault (topic-name.ts). Members are added
 * and removed in constant time, and those of one topic are found without looking at any other.
 */
export class Subscriptions<Member extends object> {
  readonly #topics = new Map<string, Subscribed<Member>>()
  readonly #patterns = new TopicTrie<Subscribed<Member>>()
  readonly #ofMember = new Map<Member, Topics<Member>>()

  /** The number of topics and patterns with a subscriber. */
  get size(): number {
    return this.#topics.size + this.#patterns.size
  }

  /** Whether someone subscribes to exactly this topic or pattern. */
  has(pattern: string): boolean {
    return this.#find(pattern) !== undefined
  }

  /** The number of topics and patterns of a member. */
  countOf(member: Member): number {
    const topics = this.#ofMember.get(member)
    if (topics === undefined) return 0
    return topics instanceof Set ? topics.size : 1
  }

  /** The topics and patterns of a member, in the order in which it subscribed. */
  topicsOf(member: Member): Set<string> {
    const topics = this.#ofMember.get(member)
    if (topics === undefined) return new Set()
    return new Set(topics instanceof Set ? Array.from(topics, ({ pattern }) => pattern) : [topics.pattern])
  }

  /** Returns false if the member subscribes already. */
  add(member: Member, pattern: string): boolean {
    const subscribed = this.#find(pattern) ?? this.#make(pattern)
    if (subscribed.members.has(member)) return false
    subscribed.members.add(member)
    const topics = this.#ofMember.get(member)
    if (topics === undefined) this.#ofMember.set(member, subscribed)
    else if (topics instanceof Set) topics.add(subscribed)
    else this.#ofMember.set(member, new Set([topics, subscribed]))
    return true
  }

  /** Returns false if the member does not subscribe. */
  remove(member: Member, pattern: string): boolean {
    const subscribed = this.#find(pattern)
    if (subscribed?.members.has(member) !== true) return false
    this.#leave(member, subscribed)
    const topics = this.#ofMember.get(member)!
    if (topics instanceof Set) topics.delete(subscribed)
    if (!(topics instanceof Set) || topics.size === 0) this.#ofMember.delete(member)
    return true
  }

  /** Removes a member from all topics. */
  removeAll(member: Member): void {
    const topics = this.#ofMember.get(member)
    if (topics === undefined) return
    this.#ofMember.delete(member)
    if (!(topics instanceof Set)) this.#leave(member, topics)
    else for (const subscribed of topics) this.#leave(member, subscribed)
  }

  /** The members whose topics or patterns match a topic, each once. It may change while it is read. */
  subscribersOf(topic: string): ReadonlySet<Member> {
    const exact = this.#topics.get(topic)?.members
    if (this.#patterns.size === 0) return exact ?? none
    const found: ReadonlySet<Member>[] = exact === undefined ? [] : [exact]
    this.#patterns.match(topic, ({ members }) => found.push(members))
    if (found.length <= 1) return found[0] ?? none
    const all = new Set<Member>()
    for (const members of found) for (const member of members) all.add(member)
    return all
  }

  #find(pattern: string): Subscribed<Member> | undefined {
    return isPattern(pattern) ? this.#patterns.get(pattern) : this.#topics.get(pattern)
  }

  #make(pattern: string): Subscribed<Member> {
    const subscribed = { pattern, members: new Set<Member>() }
    if (isPattern(pattern)) this.#patterns.set(pattern, subscribed)
    else this.#topics.set(pattern, subscribed)
    return subscribed
  }

  #leave(member: Member, { pattern, members }: Subscribed<Member>): void {
    members.delete(member)
    if (members.size > 0) return
    if (isPattern(pattern)) this.#patterns.delete(pattern)
    else this.#topics.delete(pattern)
  }
}
