import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Msg, MsgHdrs } from '@nats-io/nats-core'
import type { BrokerContent, TopicPosition } from 'twoway/hub'
import { encode, fieldsAfter, type Head, markOf } from './stream/envelope.js'
import { headersOf } from './stream/header-fields.js'
import { answerOf, isRefusal, refusals } from './stream/stream.js'
import type { StreamTail } from './stream/stream-tail.js'
import { unique } from './unique.js'

export interface PublisherPorts {
  readonly stream: string
  readonly subject: string
  readonly timeoutMs: number
  readonly tail: StreamTail
  request(subject: string, data: Uint8Array, options: { timeout: number; headers: MsgHdrs }): Promise<Msg>
  readHead(timeoutMs: number): Promise<Head>
  /** Whether several servers have the stream, so that a message that was stored may be void. */
  isReplicated(): boolean
  /** Whether the entry with a sequence number is the next one of its topic after another one. If not, it is void. */
  follows(sequence: number, previous: number): Promise<boolean>
  /** The position of the entry with a sequence number; undefined if it is void. */
  validPositionAt(sequence: number): Promise<TopicPosition | undefined>
}

/** A publish that is not stored yet. */
interface Waiting {
  readonly data: Uint8Array
  /** By which JetStream knows a request that is repeated, and the predecessor of the next message. */
  messageId: string
  /** Whether the id is the caller's, so that another node may repeat the publish. */
  readonly isKeyed: boolean
  readonly until: number
  attempt: number
  resolve(position: TopicPosition): void
  reject(error: unknown): void
}

/** A message that is sent, with the head that it expects. */
interface Sent {
  readonly waiting: Waiting
  readonly tag: string
  readonly before: Head
  readonly answer: Promise<{ readonly seq: number; readonly duplicate?: boolean }>
}

/** Messages that are sent together. More of them would only wait in the server. */
const longestBurst = 256
/** Attempts in a row that store nothing, before the next ones wait: other nodes store messages too, and one of them gets through. */
const promptAttempts = 3
/** The longest wait before an attempt. */
const mostWaitMs = 64
/** The most bursts of one message between two attempts to send more, while other nodes store messages too. */
const mostPatience = 64

/**
 * Stores the messages of a topic in their order, several at a time. JetStream takes the first one of a burst only if the head
 * that this node knows is still the newest of the subject. It takes each further one only if the newest of the stream has the
 * id and the sequence number of the one before it. So one that is refused takes all after it along, and a message of another
 * node within a burst parts it. Refused messages are sent again, in the same order. Without the guess of the number, a repeated
 * message that JetStream knows already would stand for the one before.
 */
export class Publisher {
  readonly #ports: PublisherPorts
  #queue: Waiting[] = []
  #isStoring = false
  /** The newest message that this node knows; undefined after an answer that did not come. */
  #newest: Head | undefined
  #burst = 1
  /** Whole bursts that must follow before a burst may grow. */
  #patience = 1
  #whole = 0
  /** Attempts in a row that stored nothing. */
  #failed = 0

  constructor(ports: PublisherPorts) {
    this.#ports = ports
  }

  publish(content: BrokerContent, id: string | undefined): Promise<TopicPosition> {
    const until = performance.now() + this.#ports.timeoutMs
    const messageId = id === undefined ? unique() : this.#messageId(id)
    return new Promise((resolve, reject) => {
      const isKeyed = id !== undefined
      this.#queue.push({ data: encode(content), messageId, isKeyed, until, attempt: 0, resolve, reject })
      if (!this.#isStoring) void this.#storeAll()
    })
  }

  /**
   * Takes note of a new entry that comes after another one.
   * @param position undefined if the entry is void
   */
  learn(sequence: number, previous: number, position: TopicPosition | undefined): void {
    this.#ports.tail.saw(sequence)
    const newest = this.#newest
    if (newest === undefined || newest.sequence >= sequence) return
    if (position !== undefined) this.#newest = { sequence, position }
    else this.#newest = newest.sequence === previous ? { sequence, position: newest.position } : undefined
  }

  /** The newest message may be another one: a server that comes back with an older copy gives numbers out again. */
  forget(): void {
    this.#newest = undefined
  }

  async #storeAll(): Promise<void> {
    this.#isStoring = true
    // Messages of the same turn are sent together.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const burst = this.#queue.splice(0, this.#ports.isReplicated() ? 1 : this.#burst)
      try {
        await this.#store(burst)
      } catch (error) {
        this.#newest = undefined
        // The messages behind the first one may have more time.
        const [first, ...others] = burst
        first!.reject(error)
        this.#queue = [...others, ...this.#queue]
      }
    }
    this.#isStoring = false
  }

  /** Sends messages behind the newest one, and settles them. If a message of another node came first, they wait again. */
  async #store(burst: readonly Waiting[]): Promise<void> {
    const { timeoutMs, tail } = this.#ports
    const now = performance.now()
    const timely = burst.filter(({ until, reject }) => {
      if (until - now >= 1) return true
      reject(new Error(`NATS has not stored the message within ${timeoutMs} ms`))
      return false
    })
    if (timely.length === 0) return
    if (this.#newest === undefined) {
      this.#newest = await this.#ports.readHead(Math.ceil(timely[0]!.until - now))
      tail.saw(this.#newest.sequence)
    }
    const sent = this.#send(timely, this.#newest)
    const refused: Waiting[] = []
    let isUnavailable = false
    for (const [index, { waiting, tag, before, answer }] of sent.entries()) {
      try {
        const { seq, duplicate } = await answer
        const position = duplicate === true ? await this.#ports.validPositionAt(seq) : undefined
        if (position !== undefined) waiting.resolve(position)
        else if (duplicate !== true && (await this.#ports.follows(seq, before.sequence))) {
          waiting.resolve(this.#stored(seq, before, tag))
        } else {
          // It is void: another message came first. JetStream knows the id, so that the next attempt takes another one.
          waiting.attempt += 1
          waiting.messageId = `${waiting.messageId.split('.')[0]}.${waiting.attempt}`
          this.#newest = undefined
          refused.push(waiting)
        }
      } catch (error) {
        // Of a burst that was parted, the head is the last one that was stored.
        if (index === 0) this.#newest = undefined
        const isOff = isRefusal(error, refusals.unavailable)
        isUnavailable ||= isOff
        const isEarly = isRefusal(error, refusals.wrongSequence) || isRefusal(error, refusals.wrongLastId)
        if (isOff || isEarly) refused.push(waiting)
        else waiting.reject(error)
      }
    }
    this.#learnFrom(sent.length, refused.length)
    this.#queue = [...refused, ...this.#queue]
    this.#failed = refused.length === sent.length ? this.#failed + 1 : 0
    // A cluster without a leader has stored nothing.
    if (isUnavailable) await sleep(50)
    else if (this.#failed > promptAttempts) await sleep(Math.min(2 ** (this.#failed - promptAttempts), mostWaitMs))
  }

  #stored(sequence: number, before: Head, tag: string): TopicPosition {
    const { epoch, offset } = before.position
    const position = { epoch, offset: offset + 1, mark: markOf(sequence, tag) }
    if (this.#newest === undefined || this.#newest.sequence < sequence) this.#newest = { sequence, position }
    return position
  }

  /** Sends messages one behind the other, without a wait. */
  #send(burst: readonly Waiting[], newest: Head): Sent[] {
    const { stream, subject, tail } = this.#ports
    const first = tail.take(burst.length)
    const now = performance.now()
    let before = newest
    return burst.map((waiting, index) => {
      const { data, messageId, until } = waiting
      const tag = waiting.isKeyed ? tagAfter(before, messageId) : unique()
      const fields = fieldsAfter(before, tag, index === 0)
      fields['Nats-Msg-Id'] = messageId
      if (index === 0) fields['Nats-Expected-Stream'] = stream
      else {
        fields['Nats-Expected-Last-Sequence'] = String(before.sequence)
        fields['Nats-Expected-Last-Msg-Id'] = burst[index - 1]!.messageId
      }
      const headers = headersOf(fields)
      const sequence = first + index
      const { epoch, offset } = before.position
      const timeout = Math.max(1, Math.ceil(until - now))
      const answer = this.#ports
        .request(subject, data, { timeout, headers })
        .then((message) => answerOf(message) as { readonly seq: number; readonly duplicate?: boolean })
      // It is awaited after those before it, and may reject earlier.
      answer.then(
        ({ seq, duplicate }) => tail.answered(duplicate === true ? undefined : seq),
        () => tail.answered(undefined),
      )
      const sent = { waiting, tag, before, answer }
      before = { sequence, position: { epoch, offset: offset + 1, mark: markOf(sequence, tag) } }
      return sent
    })
  }

  /** Bursts grow while they are stored whole, and fall to one message when a message of another node parts them. */
  #learnFrom(sent: number, refused: number): void {
    if (refused > 0) {
      if (sent > 1) this.#patience = Math.min(2 * this.#patience, mostPatience)
      this.#burst = Math.max(1, this.#burst >> 2)
      this.#whole = 0
      return
    }
    if (sent < this.#burst) return
    this.#whole += 1
    if (this.#whole < this.#patience) return
    if (this.#burst >= 16) this.#patience = 1
    this.#burst = Math.min(2 * this.#burst, longestBurst)
    this.#whole = 0
  }

  /** The window of JetStream is one for the stream: the topic is part of the id. A hash has no character that a header refuses. */
  #messageId(id: string): string {
    return createHash('sha256').update(`${this.#ports.subject} ${id}`, 'utf16le').digest('base64url')
  }
}

/**
 * The tag of a message with an id of the caller. It follows from the id and the predecessor: a repetition by another node that gets the same place is the
 * same message, and one that is stored again behind other messages, after a restore, is another one.
 */
function tagAfter({ position }: Head, messageId: string): string {
  return createHash('sha256').update(`${position.mark} ${messageId}`).digest('base64url').slice(0, 11)
}
