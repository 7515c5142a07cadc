import { setTimeout as sleep } from 'node:timers/promises'
import { InvalidArgumentError, type Msg, type MsgHdrs } from '@nats-io/nats-core'
import type { BrokerContent, TopicPosition } from 'twoway/hub'
import type { Backlog } from './backlog.js'
import { hashed } from './hashed.js'
import { PendingEntry } from './pending-entry.js'
import type { SendWindow } from './send-window.js'
import { fieldsAfter, type Head, mostTogether, positionsOf } from './stream/envelope.js'
import { headersOf } from './stream/header-fields.js'
import { answerOf, isRefusal, refusals } from './stream/stream.js'
import type { StreamTail } from './stream/stream-tail.js'
import { unique } from './unique.js'

/** The questions to the stream end with the time of the publish that waits for them, a time of `performance.now()`. */
export interface PublisherPorts {
  readonly stream: string
  readonly subject: string
  readonly timeoutMs: number
  readonly backlog: Backlog
  readonly window: SendWindow
  readonly tail: StreamTail
  request(subject: string, data: Uint8Array, options: { timeout: number; headers: MsgHdrs }): Promise<Msg>
  readHead(until: number): Promise<Head>
  /** Whether several servers have the stream, so that an entry that was stored may be void. */
  isReplicated(): boolean
  /** Whether the entry with a sequence number is the next one of its topic after another one. If not, it is void. */
  follows(sequence: number, previous: number, until: number): Promise<boolean>
  /** The positions of the messages of the entry with a sequence number; empty if it is void. */
  validPositionsAt(sequence: number, until: number): Promise<readonly TopicPosition[]>
}

/** An entry that is sent, with the head that it expects. */
interface Sent {
  readonly entry: PendingEntry
  readonly tag: string
  readonly before: Head
  readonly answer: Promise<{ readonly seq: number; readonly duplicate?: boolean }>
}

/** Entries that are sent together. More of them would only wait in the server. */
const longestBurst = 256
/** Attempts in a row that store nothing, before the next ones wait: other nodes store messages too, and one of them gets through. */
const promptAttempts = 3
/** The part of its time that a message may lose because it joins an earlier one. */
const lostTime = 1 / 50
/** The longest wait before an attempt. */
const mostWaitMs = 64
const unavailableMs = 50
/** The most bursts of one entry between two attempts to send more, while other nodes store messages too. */
const mostPatience = 64

/**
 * Stores the messages of a topic in their order. Messages that wait at the same time share an entry, as an entry costs the server
 * far more than a message in it. A message with an id of the caller has an entry of its own, as JetStream compares the ids of
 * entries.
 *
 * Several entries are on their way at a time. JetStream takes the first one of a burst only if the head that this node knows is
 * still the newest of the subject. It takes each further one only if the newest of the stream has the id and the sequence number of
 * the one before it. So one that is refused takes all after it along, and an entry of another node within a burst parts it. Refused
 * entries are sent again, in the same order. Without the guess of the number, a repeated entry that JetStream knows already would
 * stand for the one before.
 */
export class Publisher {
  readonly #ports: PublisherPorts
  #queue: PendingEntry[] = []
  #isStoring = false
  /** The newest entry that this node knows; undefined after an answer that did not come. */
  #newest: Head | undefined
  #burst = 1
  /** Whole bursts that must follow before a burst may grow. */
  #patience = 1
  #whole = 0
  /** Attempts in a row that stored nothing. */
  #failed = 0
  /** The most bytes that share an entry: fewer after the server has refused as many. */
  #mostBytes = mostTogether.bytes

  constructor(ports: PublisherPorts) {
    this.#ports = ports
  }

  publish(content: BrokerContent, id: string | undefined): Promise<TopicPosition> {
    const { backlog, timeoutMs } = this.#ports
    return new Promise((resolve, reject) => {
      backlog.add(content.length)
      const message = { content, until: performance.now() + timeoutMs, resolve, reject }
      if (id !== undefined) this.#queue.push(new PendingEntry(message, this.#messageId(id)))
      else {
        const limits = { bytes: this.#mostBytes, ms: timeoutMs * lostTime }
        if (this.#queue.at(-1)?.join(message, limits) !== true) this.#queue.push(new PendingEntry(message))
      }
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
    const { window } = this.#ports
    this.#isStoring = true
    while (this.#queue.length > 0) {
      if (!(await window.enter(this.#queue[0]!.until))) {
        this.#queue = this.#timely(this.#queue)
        continue
      }
      const burst = this.#timely(this.#queue.splice(0, this.#ports.isReplicated() ? 1 : this.#burst))
      let waitMs = 0
      try {
        if (burst.length > 0) waitMs = await this.#store(burst)
      } catch (error) {
        this.#newest = undefined
        // The entries behind the first one may have more time.
        const [first, ...others] = burst
        this.#reject(first!, error)
        this.#queue = [...others, ...this.#queue]
      } finally {
        window.leave()
      }
      if (waitMs > 0) await sleep(waitMs)
    }
    this.#isStoring = false
  }

  /** The entries that have time left. Rejects the others. */
  #timely(burst: readonly PendingEntry[]): PendingEntry[] {
    const now = performance.now()
    return burst.filter((entry) => {
      if (entry.until - now >= 1) return true
      this.#reject(entry, new Error(`NATS has not stored the message within ${this.#ports.timeoutMs} ms`))
      return false
    })
  }

  /**
   * Sends entries behind the newest one, and settles them. If an entry of another node came first, they wait again. Resolves to
   * the milliseconds after which the next attempt may follow.
   */
  async #store(burst: readonly PendingEntry[]): Promise<number> {
    const { tail, window } = this.#ports
    if (this.#newest === undefined) {
      this.#newest = await this.#ports.readHead(burst[0]!.until)
      tail.saw(this.#newest.sequence)
    }
    const sentAt = performance.now()
    const sent = this.#send(burst, this.#newest)
    const refused: PendingEntry[] = []
    let stored = 0
    let isUnavailable = false
    for (const [index, { entry, tag, before, answer }] of sent.entries()) {
      try {
        const { seq, duplicate } = await answer
        if (index === 0) window.answered(performance.now() - sentAt)
        const positions = await this.#positionsOf(entry, seq, duplicate === true, { tag, before })
        if (positions.length === entry.messages.length) {
          stored += 1
          this.#resolve(entry, positions)
        } else {
          entry.lost()
          this.#newest = undefined
          refused.push(entry)
        }
      } catch (error) {
        // Of a burst that was parted, the head is the last one that was stored.
        if (index === 0) this.#newest = undefined
        const isOff = isRefusal(error, refusals.unavailable)
        isUnavailable ||= isOff
        const isEarly = isRefusal(error, refusals.wrongSequence) || isRefusal(error, refusals.wrongLastId)
        if (isOff || isEarly) refused.push(entry)
        else if (entry.messages.length > 1 && isTooLong(error)) {
          this.#mostBytes = entry.bytes >> 1
          refused.push(...entry.split())
        } else this.#reject(entry, error)
      }
    }
    this.#learnFrom(sent.length, refused.length)
    this.#queue = [...refused, ...this.#queue]
    this.#failed = stored === 0 && refused.length > 0 ? this.#failed + 1 : 0
    // A cluster without a leader has stored nothing.
    if (isUnavailable) return unavailableMs
    return this.#failed > promptAttempts ? Math.min(2 ** (this.#failed - promptAttempts), mostWaitMs) : 0
  }

  #resolve({ messages }: PendingEntry, positions: readonly TopicPosition[]): void {
    for (const [index, { content, resolve }] of messages.entries()) {
      this.#ports.backlog.remove(content.length)
      resolve(positions[index]!)
    }
  }

  #reject({ messages }: PendingEntry, error: unknown): void {
    for (const { content, reject } of messages) {
      this.#ports.backlog.remove(content.length)
      reject(error)
    }
  }

  /** The positions of an entry that JetStream has; empty if it is void. */
  async #positionsOf(
    { messages, until }: PendingEntry,
    sequence: number,
    isRepeated: boolean,
    { tag, before }: { readonly tag: string; readonly before: Head },
  ): Promise<readonly TopicPosition[]> {
    if (isRepeated) return this.#ports.validPositionsAt(sequence, until)
    if (!(await this.#ports.follows(sequence, before.sequence, until))) return []
    const positions = positionsAfter(before, sequence, tag, messages.length)
    if (this.#newest === undefined || this.#newest.sequence < sequence) {
      this.#newest = { sequence, position: positions.at(-1)! }
    }
    return positions
  }

  /** Sends entries one behind the other, without a wait. */
  #send(burst: readonly PendingEntry[], newest: Head): Sent[] {
    const { stream, subject, tail } = this.#ports
    const first = tail.take(burst.length, newest.sequence)
    const now = performance.now()
    let before = newest
    return burst.map((entry, index) => {
      const { messages, messageId, until } = entry
      const tag = entry.isKeyed ? tagAfter(before, messageId) : unique()
      const fields = fieldsAfter(before, tag, index === 0)
      fields['Nats-Msg-Id'] = messageId
      if (index === 0) fields['Nats-Expected-Stream'] = stream
      else {
        fields['Nats-Expected-Last-Sequence'] = String(before.sequence)
        fields['Nats-Expected-Last-Msg-Id'] = burst[index - 1]!.messageId
      }
      const headers = headersOf(fields)
      const timeout = Math.max(1, Math.ceil(until - now))
      const answer = this.#ports
        .request(subject, entry.encoded(), { timeout, headers })
        .then((message) => answerOf(message) as { readonly seq: number; readonly duplicate?: boolean })
      // It is awaited after those before it, and may reject earlier.
      answer.then(
        ({ seq, duplicate }) => tail.answered(duplicate === true ? undefined : seq),
        () => tail.answered(undefined),
      )
      const sent = { entry, tag, before, answer }
      const sequence = first + index
      before = { sequence, position: positionsAfter(before, sequence, tag, messages.length).at(-1)! }
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

  /** The window of JetStream is one for the stream: the topic is part of the id. Callers may make up ids, so that it has 128 bits. */
  #messageId(id: string): string {
    return hashed(`${this.#ports.subject} ${id}`, 22)
  }
}

/** The positions of messages that are stored behind a head. */
function positionsAfter({ position }: Head, sequence: number, tag: string, count: number): TopicPosition[] {
  const { epoch, offset } = position
  return positionsOf(sequence, tag, { epoch, offset: offset + 1, count })
}

/** Whether an entry is longer than the client or the stream takes: nothing of it was sent or stored. */
function isTooLong(error: unknown): boolean {
  return error instanceof InvalidArgumentError || isRefusal(error, refusals.tooLong)
}

/**
 * The tag of a message with an id of the caller. It follows from the id and the predecessor: a repetition by another node that gets the same place is the
 * same message, and one that is stored again behind other messages, after a restore, is another one.
 */
function tagAfter({ position }: Head, messageId: string): string {
  return hashed(`${position.mark} ${messageId}`, 11)
}
