import type { Msg, MsgHdrs } from '@nats-io/nats-core'
import type { LastingConnection } from './lasting-connection.js'
import { permissionError } from './permission-error.js'
import { guarded } from './subscribe.js'

/** A request without an answer. */
interface Open {
  /** Grows with each request. */
  readonly number: number
  /** The place among the open ones. */
  readonly slot: number
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: MsgHdrs
  readonly until: number
  readonly timeoutMs: number
  attemptMs: number
  /** When it is sent again. */
  due: number
  isSent: boolean
  resolve(answer: Msg): void
  reject(error: unknown): void
}

/** The time for the first answer. Each further attempt gets twice as much. */
const firstAttemptMs = 500
/** A server that starts, and a cluster without a leader, take no requests for a while. */
const untakenMs = 50
const checkMs = 25

/**
 * Requests that store messages, over one subject for all answers. The client's own requests make two errors and a promise of a
 * timer each, before any of them fails. As with LastingConnection, a request is repeated when the connection returns or no
 * answer comes, in the order in which requests were made.
 */
export class Inbox {
  readonly #connection: LastingConnection
  readonly #subject: string
  readonly #report: (error: unknown) => void
  /**
   * By their slots. A Map from which entries are removed all the time is copied again and again, and V8 links each copy to the
   * next one, so that requests live on in them until a full garbage collection.
   */
  readonly #open: (Open | undefined)[] = []
  readonly #freeSlots: number[] = []
  #isListening = false
  #timer: NodeJS.Timeout | undefined
  #made = 0

  constructor(connection: LastingConnection, report: (error: unknown) => void) {
    this.#connection = connection
    this.#subject = connection.createInbox()
    this.#report = report
    connection.listen({
      refused: (error) => {
        if (error.operation !== 'publish') return
        for (const open of this.#inOrder()) {
          if (open.subject === error.subject) this.#end(open, () => open.reject(permissionError(error)))
        }
      },
      returned: () => {
        for (const open of this.#inOrder()) this.#send(open)
      },
    })
  }

  request(subject: string, data: Uint8Array, options: { timeout: number; headers: MsgHdrs }): Promise<Msg> {
    this.#listen()
    const now = performance.now()
    const { timeout: timeoutMs, headers } = options
    return new Promise((resolve, reject) => {
      this.#made += 1
      const slot = this.#freeSlots.pop() ?? this.#open.length
      const open: Open = {
        number: this.#made,
        slot,
        subject,
        data,
        headers,
        until: now + timeoutMs,
        timeoutMs,
        attemptMs: firstAttemptMs,
        due: now + firstAttemptMs,
        isSent: false,
        resolve,
        reject,
      }
      this.#open[slot] = open
      this.#timer ??= setInterval(() => this.#check(), checkMs)
      this.#send(open)
    })
  }

  #listen(): void {
    if (this.#isListening) return
    this.#connection.connection.subscribe(`${this.#subject}.*`, {
      callback: (error, message) => {
        if (error) this.#deaf(error)
        else guarded(this.#report, () => this.#answered(message))
      },
    })
    this.#isListening = true
  }

  /** The server has refused the subscription for answers, and the client has ended it. The next request makes another one. */
  #deaf(error: Error): void {
    this.#isListening = false
    for (const open of this.#inOrder()) this.#end(open, () => open.reject(permissionError(error) ?? error))
  }

  /** The requests in the order in which they were made. */
  #inOrder(isWanted: (open: Open) => boolean = () => true): Open[] {
    const wanted = this.#open.filter((open): open is Open => open !== undefined && isWanted(open))
    return wanted.sort((one, other) => one.number - other.number)
  }

  #answered(message: Msg): void {
    const [slot, number] = message.subject.slice(this.#subject.length + 1).split('-')
    const open = this.#open[Number(slot)]
    // A repeated request may be answered twice.
    if (open?.number !== Number(number)) return
    // No server took it.
    if (message.headers?.code === 503) open.due = performance.now() + untakenMs
    else this.#end(open, () => open.resolve(message))
  }

  #send(open: Open): void {
    // The client would keep the message until it is there again.
    if (this.#connection.isAway) return
    const { subject, data, headers, slot, number } = open
    try {
      this.#connection.connection.publish(subject, data, { reply: `${this.#subject}.${slot}-${number}`, headers })
      open.isSent = true
    } catch (error) {
      // The server may have taken it the first time.
      const cause = open.isSent ? new Error('NATS has not answered, and takes no repetition', { cause: error }) : error
      this.#end(open, () => open.reject(cause))
    }
  }

  #check(): void {
    const now = performance.now()
    for (const open of this.#inOrder(({ until, due }) => now >= until || now >= due)) {
      if (now >= open.until) {
        const reason = this.#connection.isAway ? 'is away: there was no connection' : 'has not answered'
        this.#end(open, () => open.reject(new Error(`NATS ${reason} within ${open.timeoutMs} ms`)))
      } else {
        open.attemptMs *= 2
        open.due = now + open.attemptMs
        this.#send(open)
      }
    }
  }

  #end({ slot }: Open, settle: () => void): void {
    this.#open[slot] = undefined
    this.#freeSlots.push(slot)
    if (this.#freeSlots.length === this.#open.length) {
      this.#freeSlots.length = 0
      this.#open.length = 0
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    settle()
  }
}
