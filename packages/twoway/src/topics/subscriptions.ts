import { isPattern } from './topic-name.js'
import { TopicTrie } from './topic-trie.js'

/** A topic or pattern, and its subscribers. */
interface Subscribed<Member> {
  readonly pattern: string
  /** Its only subscriber, which needs no Set: most of the memory of a topic with one would be the Set. */
  only: Member | undefined
  /** All subscribers, once there have been two. */
  members: Set<Member> | undefined
}

/** The topics of a member: most have one, which needs no Set of its own. */
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
  readonly #onChange: ((pattern: string, hasSubscribers: boolean) => void) | undefined

  /** @param onChange called when a topic or pattern gets its first subscriber, and when it loses its last one */
  constructor(onChange?: (pattern: string, hasSubscribers: boolean) => void) {
    this.#onChange = onChange
  }

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
    if (hasMember(subscribed, member)) return false
    addMember(subscribed, member)
    const topics = this.#ofMember.get(member)
    if (topics === undefined) this.#ofMember.set(member, subscribed)
    else if (topics instanceof Set) topics.add(subscribed)
    else this.#ofMember.set(member, new Set([topics, subscribed]))
    return true
  }

  /** Returns false if the member does not subscribe. */
  remove(member: Member, pattern: string): boolean {
    const subscribed = this.#find(pattern)
    if (subscribed === undefined || !hasMember(subscribed, member)) return false
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
    const exact = this.#topics.get(topic)
    if (this.#patterns.size === 0) return exact === undefined ? none : membersOf(exact)
    const found: ReadonlySet<Member>[] = exact === undefined ? [] : [membersOf(exact)]
    this.#patterns.match(topic, (subscribed) => found.push(membersOf(subscribed)))
    if (found.length <= 1) return found[0] ?? none
    const all = new Set<Member>()
    for (const members of found) for (const member of members) all.add(member)
    return all
  }

  #find(pattern: string): Subscribed<Member> | undefined {
    return isPattern(pattern) ? this.#patterns.get(pattern) : this.#topics.get(pattern)
  }

  #make(pattern: string): Subscribed<Member> {
    const subscribed: Subscribed<Member> = { pattern, only: undefined, members: undefined }
    if (isPattern(pattern)) this.#patterns.set(pattern, subscribed)
    else this.#topics.set(pattern, subscribed)
    this.#onChange?.(pattern, true)
    return subscribed
  }

  #leave(member: Member, subscribed: Subscribed<Member>): void {
    const { pattern, members } = subscribed
    members?.delete(member)
    if (members !== undefined && members.size > 0) return
    if (isPattern(pattern)) this.#patterns.delete(pattern)
    else this.#topics.delete(pattern)
    this.#onChange?.(pattern, false)
  }
}

function hasMember<Member>({ only, members }: Subscribed<Member>, member: Member): boolean {
  return members === undefined ? only === member : members.has(member)
}

function addMember<Member>(subscribed: Subscribed<Member>, member: Member): void {
  const { only, members } = subscribed
  if (members !== undefined) members.add(member)
  else if (only === undefined) subscribed.only = member
  else {
    subscribed.members = new Set([only, member])
    subscribed.only = undefined
  }
}

function membersOf<Member>({ only, members }: Subscribed<Member>): ReadonlySet<Member> {
  return members ?? new Set([only!])
}
