import type { Msg } from '@nats-io/nats-core'
import type { LastingConnection } from '../connection/lasting-connection.js'
import { permissionError } from '../connection/permission-error.js'
import { hashed } from '../hashed.js'
import { type Entry, type LiveEntry, readEntry } from './envelope.js'
import { fieldsOf, parseHeaders } from './header-fields.js'
import { StreamTail } from './stream-tail.js'

export interface StreamSettings {
  readonly stream: string
  readonly prefix: string
  readonly historyCount: number
  readonly dedupeMs: number
  readonly storage: 'file' | 'memory'
  readonly replicas: number
  readonly maxBytes: number
  readonly timeoutMs: number
}

interface StreamInfo {
  readonly created: string
  readonly state: { readonly first_seq: number }
  readonly config: {
    readonly subjects?: readonly string[]
    readonly max_bytes?: number
    readonly max_msgs?: number
    readonly max_age?: number
    readonly num_replicas?: number
    readonly republish?: { readonly src?: string; readonly dest: string; readonly headers_only?: boolean }
  }
}

interface ApiError {
  readonly code: number
  readonly err_code: number
  readonly description: string
}

/** An error that JetStream answered, with its number. */
class JetStreamError extends Error {
  override readonly name = 'JetStreamError'
  readonly number: number

  constructor({ err_code, description }: ApiError) {
    super(`JetStream refused: ${description} (${err_code})`)
    this.number = err_code
  }
}

/** The numbers of JetStream's errors that the broker acts on. */
export const refusals = {
  streamMissing: 10059,
  nameInUse: 10058,
  noMessage: 10037,
  wrongSequence: 10071,
  wrongLastId: 10070,
  tooLong: 10054,
  unavailable: 10008,
}

/**
 * The stream of a broker, over JetStream's own API of requests, the same in each version of the server since 2.9. A question has
 * the time of the settings, or ends at a time of `performance.now()`.
 */
export class Stream {
  readonly #connection: LastingConnection
  readonly #settings: StreamSettings
  readonly tail = new StreamTail()
  /** Whether several servers have the stream, so that entries may be void. */
  isReplicated = false

  constructor(connection: LastingConnection, settings: StreamSettings) {
    this.#connection = connection
    this.#settings = settings
  }

  /** Whether a live entry is of another program, or lost against one that a cluster stored at the same time. */
  isVoid({ expected, previous, messages }: LiveEntry): boolean {
    return messages.length === 0 || (this.isReplicated && expected !== previous)
  }

  subjectOf(topic: string): string {
    return `${this.#settings.prefix}.s.${topic}`
  }

  liveSubjectOf(topic: string): string {
    return `${this.#settings.prefix}.l.${topic}`
  }

  /**
   * A text of the time at which the stream was made, in nanoseconds. It tells a stream from one that was made after its removal. It
   * stays the same in a stream that is restored from an older snapshot; the marks show that case.
   */
  async epoch(until = this.#deadline()): Promise<string> {
    return hashed((await this.#info(until)).created, 11)
  }

  /**
   * Whether the stream may have removed all messages of a topic, as a limit of the whole stream does. The limit of a topic keeps
   * its newest message.
   */
  async mayHaveEmptied(): Promise<boolean> {
    const { config, state } = await this.#info()
    const limits = [config.max_bytes, config.max_msgs, config.max_age]
    return state.first_seq > 1 && limits.some((limit) => limit !== undefined && limit > 0)
  }

  /** Makes the stream unless it is there. Throws if the one there has other subjects or does not republish. */
  async prepare(): Promise<void> {
    const { stream, prefix, historyCount, dedupeMs, storage, replicas, maxBytes } = this.#settings
    try {
      this.#check(await this.#info())
      return
    } catch (error) {
      if (!isRefusal(error, refusals.streamMissing)) throw error
    }
    try {
      await this.ask(`STREAM.CREATE.${stream}`, {
        name: stream,
        subjects: [`${prefix}.s.>`],
        retention: 'limits',
        discard: 'old',
        storage,
        num_replicas: replicas,
        max_msgs_per_subject: historyCount,
        max_msgs: -1,
        max_bytes: maxBytes,
        max_age: 0,
        duplicate_window: dedupeMs * 1_000_000,
        republish: { src: `${prefix}.s.>`, dest: `${prefix}.l.>` },
      })
    } catch (error) {
      // Another node has made it meanwhile, or has one with other limits, which is checked.
      if (!isRefusal(error, refusals.nameInUse)) throw this.#missing(error)
    }
    this.#check(await this.#info())
  }

  /** The newest entry of a topic's subject; undefined if there is none. The leader answers, so that it is the newest. */
  newest(subject: string, until: number): Promise<Entry | undefined> {
    return this.#get({ last_by_subj: subject }, until)
  }

  /** The entry with a sequence number; undefined if it is not there. */
  at(sequence: number, until = this.#deadline()): Promise<Entry | undefined> {
    return this.#get({ seq: sequence }, until)
  }

  /** The first entry of a subject with a sequence number or a later one; undefined if there is none. */
  next(subject: string, sequence: number, until = this.#deadline()): Promise<Entry | undefined> {
    return this.#get({ next_by_subj: subject, seq: sequence }, until)
  }

  /** The entries of a subject from one sequence number to another, both included. */
  async between(subject: string, first: number, last: number, until = this.#deadline()): Promise<Entry[]> {
    return first > last ? [] : this.#connection.repeated(() => this.#read(subject, first, last, until))
  }

  /** Asks the API of JetStream. Throws a JetStreamError for its refusal. */
  async ask(action: string, request: object, until = this.#deadline()): Promise<unknown> {
    const timeout = Math.max(1, Math.ceil(until - performance.now()))
    return answerOf(await this.#connection.request(`$JS.API.${action}`, JSON.stringify(request), { timeout }))
  }

  /** The end of the time of a question that begins now, as a time of `performance.now()`. */
  #deadline(): number {
    return performance.now() + this.#settings.timeoutMs
  }

  async #read(subject: string, first: number, last: number, until: number): Promise<Entry[]> {
    const { stream, timeoutMs } = this.#settings
    const entries: Entry[] = []
    // In a cluster, the server that has the consumer may not have caught up with the leader that told the last number.
    const isUpToDate = !this.isReplicated
    const inbox = this.#connection.createInbox()
    let name: string | undefined
    let finish: () => void = () => undefined
    let fail: (error: Error) => void = () => undefined
    const complete = new Promise<void>((resolve, reject) => {
      finish = resolve
      fail = reject
    })
    const subscription = this.#connection.connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error) return fail(permissionError(error) ?? error)
        const { sequence, pending } = readReply(message)
        // A consumer that a cluster moves to another server begins anew.
        const isNew = sequence <= last && sequence > (entries.at(-1)?.sequence ?? 0)
        if (isNew) entries.push(readEntry(sequence, fieldsOf(message), message.data))
        if (sequence >= last || (pending === 0 && isUpToDate)) finish()
      },
    })
    const timer = setTimeout(
      () => fail(new Error(`JetStream has not sent its messages within ${timeoutMs} ms`)),
      until - performance.now(),
    )
    complete.catch(() => undefined)
    try {
      const config = {
        deliver_subject: inbox,
        filter_subject: subject,
        deliver_policy: 'by_start_sequence',
        opt_start_seq: first,
        ack_policy: 'none',
        replay_policy: 'instant',
        max_deliver: 1,
        mem_storage: true,
        num_replicas: 1,
      }
      const made = (await this.ask(`CONSUMER.CREATE.${stream}`, { stream_name: stream, config }, until)) as {
        readonly name: string
        readonly num_pending: number
        readonly delivered: { readonly consumer_seq: number }
      }
      name = made.name
      if (made.num_pending + made.delivered.consumer_seq === 0 && isUpToDate) finish()
      await complete
      return entries
    } finally {
      clearTimeout(timer)
      subscription.unsubscribe()
      if (name !== undefined) this.ask(`CONSUMER.DELETE.${stream}.${name}`, {}).catch(() => undefined)
    }
  }

  async #info(until = this.#deadline()): Promise<StreamInfo> {
    try {
      return (await this.ask(`STREAM.INFO.${this.#settings.stream}`, {}, until)) as StreamInfo
    } catch (error) {
      if (error instanceof JetStreamError) throw error
      const refused = permissionError(error)
      if (refused !== undefined) throw refused
      throw new Error(
        'JetStream does not answer: the server is away, lacks JetStream, or the user may not use its API',
        {
          cause: error,
        },
      )
    }
  }

  #check({ config }: StreamInfo): void {
    const { prefix } = this.#settings
    const { republish, subjects } = config
    this.isReplicated = (config.num_replicas ?? 1) > 1
    const isRight =
      subjects?.includes(`${prefix}.s.>`) === true &&
      republish?.src === `${prefix}.s.>` &&
      republish.dest === `${prefix}.l.>` &&
      republish.headers_only !== true
    if (!isRight) throw this.#missing(undefined)
  }

  #missing(cause: unknown): Error {
    const { stream, prefix, historyCount, dedupeMs, storage, replicas, maxBytes } = this.#settings
    const command = [
      `nats stream add ${stream} --subjects '${prefix}.s.>' --storage ${storage} --replicas ${replicas}`,
      `--max-msgs-per-subject ${historyCount} --max-bytes ${maxBytes} --dupe-window ${dedupeMs}ms`,
      `--republish-source '${prefix}.s.>' --republish-destination '${prefix}.l.>'`,
      '--retention limits --discard old --defaults',
    ].join(' ')
    return new Error(`the stream ${stream} is missing or has other subjects; make it with: ${command}`, { cause })
  }

  async #get(query: object, until: number): Promise<Entry | undefined> {
    try {
      const { message } = (await this.ask(`STREAM.MSG.GET.${this.#settings.stream}`, query, until)) as {
        readonly message: { readonly seq: number; readonly hdrs?: string; readonly data?: string }
      }
      const fields = parseHeaders(Buffer.from(message.hdrs ?? '', 'base64').toString())
      return readEntry(message.seq, fields, Buffer.from(message.data ?? '', 'base64'))
    } catch (error) {
      if (isRefusal(error, refusals.noMessage)) return undefined
      throw error
    }
  }
}

/** The answer of JetStream. Throws a JetStreamError for a refusal. */
export function answerOf(message: Msg): unknown {
  const answer = message.json<{ readonly error?: ApiError }>()
  if (answer.error) throw new JetStreamError(answer.error)
  return answer
}

export function isRefusal(error: unknown, number: number): boolean {
  return error instanceof JetStreamError && error.number === number
}

/** The stream's sequence number, and how many messages follow, in the reply subject of a consumer's message. */
function readReply({ reply = '' }: Msg): { readonly sequence: number; readonly pending: number } {
  // With a domain, two tokens stand before the stream's name; the last ones are the same.
  const tokens = reply.split('.')
  const at = tokens.length > 9 ? 7 : 5
  return { sequence: Number(tokens[at]), pending: Number(tokens[at + 3]) }
}
