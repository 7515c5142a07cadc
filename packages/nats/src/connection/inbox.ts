import type { Msg, MsgHdrs } from '@nats-io/nats-core'
import type { LastingConnection } from './lasting-connection.js'
import { permissionError } from './permission-error.js'
import { guarded } from './subscribe.js'

/** A request without an answer. */
interface Open {
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
  readonly #open = new Map<string, Open>()
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
        for (const [token, open] of this.#open) {
          if (open.subject === error.subject) this.#end(token, () => open.reject(permissionError(error)))
        }
      },
      returned: () => {
        for (const [token, open] of this.#open) this.#send(token, open)
      },
    })
  }

  request(subject: string, data: Uint8Array, options: { timeout: number; headers: MsgHdrs }): Promise<Msg> {
    this.#listen()
    const now = performance.now()
    const { timeout: timeoutMs, headers } = options
    return new Promise((resolve, reject) => {
      this.#made += 1
      const token = String(this.#made)
      const until = now + timeoutMs
      const due = now + firstAttemptMs
      const attempt = { attemptMs: firstAttemptMs, due, isSent: false }
      const open = { subject, data, headers, until, timeoutMs, ...attempt, resolve, reject }
      this.#open.set(token, open)
      this.#timer ??= setInterval(() => this.#check(), checkMs)
      this.#send(token, open)
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
    for (const [token, open] of this.#open) this.#end(token, () => open.reject(permissionError(error) ?? error))
  }

  #answered(message: Msg): void {
    const token = message.subject.slice(this.#subject.length + 1)
    const open = this.#open.get(token)
    if (open === undefined) return
    // No server took it.
    if (message.headers?.code === 503) open.due = performance.now() + untakenMs
    else this.#end(token, () => open.resolve(message))
  }

  #send(token: string, open: Open): void {
    // The client would keep the message until it is there again.
    if (this.#connection.isAway) return
    const { subject, data, headers } = open
    try {
      this.#connection.connection.publish(subject, data, { reply: `${this.#subject}.${token}`, headers })
      open.isSent = true
    } catch (error) {
      // The server may have taken it the first time.
      const cause = open.isSent ? new Error('NATS has not answered, and takes no repetition', { cause: error }) : error
      this.#end(token, () => open.reject(cause))
    }
  }

  #check(): void {
    const now = performance.now()
    for (const [token, open] of this.#open) {
      if (now >= open.until) {
        const reason = this.#connection.isAway ? 'is away: there was no connection' : 'has not answered'
        this.#end(token, () => open.reject(new Error(`NATS ${reason} within ${open.timeoutMs} ms`)))
      } else if (now >= open.due) {
        open.attemptMs *= 2
        open.due = now + open.attemptMs
        this.#send(token, open)
      }
    }
  }

  #end(token: string, settle: () => void): void {
    this.#open.delete(token)
    if (this.#open.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    settle()
  }
}
