import type { BrokerContent, TopicPosition } from 'twoway/hub'
import { bytesTogether, encodeEntry, mostTogether } from './stream/envelope.js'
import { unique } from './unique.js'

/** A publish that is not stored yet. */
interface Waiting {
  readonly content: BrokerContent
  /** The end of its time, as a time of `performance.now()`. */
  readonly until: number
  resolve(position: TopicPosition): void
  reject(error: unknown): void
}

/** The limits for a message that joins others. */
interface JoinLimits {
  /** Bytes of the entry. */
  readonly bytes: number
  /** The time that the message may lose, as the entry ends with the time of its first message. */
  readonly ms: number
}

/** The messages of one entry: a request stores all of them or none. */
export class PendingEntry {
  readonly messages: Waiting[]
  /** By which JetStream knows a request that is repeated, and the predecessor of the next entry. */
  messageId: string
  /** Whether the id is the caller's, so that another node may repeat the publish. */
  readonly isKeyed: boolean
  bytes: number
  #encoded: Uint8Array | undefined
  #attempt = 0

  /** @param callersId undefined if other messages may join this one */
  constructor(first: Waiting, callersId?: string) {
    this.messages = [first]
    this.messageId = callersId ?? unique()
    this.isKeyed = callersId !== undefined
    this.bytes = this.isKeyed ? 0 : bytesTogether(first.content)
  }

  get until(): number {
    return this.messages[0]!.until
  }

  /** Takes a message in, and returns whether it has. An entry that was sent may be stored already, and stays as it is. */
  join(message: Waiting, most: JoinLimits): boolean {
    const isOpen = !this.isKeyed && this.#encoded === undefined && this.messages.length < mostTogether.count
    if (!isOpen || message.until - this.until > most.ms) return false
    const bytes = this.bytes + bytesTogether(message.content)
    if (bytes > most.bytes) return false
    this.bytes = bytes
    this.messages.push(message)
    return true
  }

  encoded(): Uint8Array {
    this.#encoded ??= encodeEntry(this.messages.map(({ content }) => content))
    return this.#encoded
  }

  /** It is void: another one came first. JetStream knows the id, so that the next attempt takes another one. */
  lost(): void {
    this.#attempt += 1
    this.messageId = `${this.messageId.split('.')[0]}.${this.#attempt}`
  }

  /** Its messages, each in an entry of its own. */
  split(): PendingEntry[] {
    return this.messages.map((message) => new PendingEntry(message))
  }
}
