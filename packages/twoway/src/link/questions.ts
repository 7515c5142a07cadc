import type {
  ClientMessage,
  ErrorMessage,
  OkMessage,
  PartMessage,
  SubscribeMessage,
  UnsubscribeMessage,
} from '../subprotocol/messages.js'
import type { LinkConnection } from './link-connection.js'
import { LinkError } from './link-error.js'
import type { LinkPlatform } from './link-platform.js'
import type { LinkData, LinkOptions, RequestOptions } from './link-types.js'
import type { Sized } from './server-message.js'

/** The receiver of an answer's parts. */
export interface PartSink {
  /** Set by `ask`: cancels the question. */
  leave?: () => void
  push(data: LinkData, part: PartMessage & Sized): void
}

interface AskOptions extends RequestOptions {
  /** Whether it is sent again on the next connection. Another question is lost with its connection. */
  readonly repeat?: boolean
  readonly parts?: PartSink
}

export interface Answer {
  readonly ok: OkMessage
  readonly data: LinkData
}

/** A question without an answer: it waits for a connection, or has been sent. */
interface Asked extends AskOptions {
  readonly message: ClientMessage & { readonly id: number }
  readonly data?: LinkData | undefined
  readonly size: number
  /** Whether it was sent: true on this connection, false on an earlier one alone. */
  sent?: boolean
  ended?: () => void
  readonly answered: ((answer: Answer) => void) | undefined
  readonly failed: ((error: unknown) => void) | undefined
}

type WithoutId<Message> = Message extends { readonly id: number } ? Omit<Message, 'id'> : never

/** The questions of a link that have no answer yet. Each one ends: by its answer, an error, its deadline, or the end of the link. */
export class Questions {
  declare readonly timeoutMs: number
  readonly #options: LinkOptions
  readonly #platform: LinkPlatform
  readonly #connection: LinkConnection
  readonly #asked = new Map<number, Asked>()
  #nextId = 1
  #waitingBytes = 0

  constructor(options: LinkOptions, platform: LinkPlatform, connection: LinkConnection) {
    this.#options = options
    this.timeoutMs = options.timeoutMs ?? 30_000
    this.#platform = platform
    this.#connection = connection
  }

  /** Asks now, or on the next connection. */
  ask(question: WithoutId<ClientMessage>, data?: LinkData, options: AskOptions = {}): Promise<Answer> {
    return new Promise((answered, failed) => {
      const connection = this.#connection
      const { timeoutMs = this.timeoutMs, signal, parts } = options
      connection.refuseClosed()
      signal?.throwIfAborted()
      const size = ArrayBuffer.isView(data) ? data.byteLength : JSON.stringify([question, data]).length
      const { maxWaiting = 1000, maxWaitingBytes = 1 << 20 } = this.#options
      if (this.#asked.size >= maxWaiting || this.#waitingBytes + size > maxWaitingBytes) {
        throw new LinkError(
          'full',
          `no room for ${size} bytes: ${this.#asked.size} wait, maxWaitingBytes is ${maxWaitingBytes}`,
        )
      }
      const asked = this.#add(question, { ...options, data, size, answered, failed })
      const cancel = (): void => {
        if (asked.sent) connection.send({ t: 'cancel', id: asked.message.id })
        this.#fail(asked, signal?.reason)
      }
      const stopTimer = this.#platform.after(timeoutMs, () => {
        const { state, why } = connection.status
        this.#fail(
          asked,
          new LinkError('timeout', `no answer within ${timeoutMs} ms, ${state}: ${why}`, asked.sent !== undefined),
        )
      })
      asked.ended = () => {
        stopTimer()
        signal?.removeEventListener('abort', cancel)
      }
      signal?.addEventListener('abort', cancel)
      if (parts) parts.leave = cancel
      if (connection.status.state === 'online') this.#send(asked)
    })
  }

  /** Asks on this connection alone, without a deadline. The answer is taken before any later message. */
  askNow(
    question: WithoutId<SubscribeMessage | UnsubscribeMessage>,
    answered?: (answer: Answer) => void,
    failed?: (error: LinkError) => void,
  ): void {
    this.#send(this.#add(question, { size: 0, answered, failed: failed as Asked['failed'] }))
  }

  answered(ok: OkMessage, data: LinkData): void {
    this.#end(ok.id)?.answered?.({ ok, data })
  }

  part(part: PartMessage & Sized, data: LinkData): void {
    this.#asked.get(part.id)?.parts?.push(data, part)
  }

  refused({ id, code, message, path, retry }: ErrorMessage): void {
    const mayHaveHappened = /failed|timeout|unavailable|cancelled/.test(code)
    this.#end(id!)?.failed?.(new LinkError(code, message, mayHaveHappened, path, retry))
  }

  /** A new connection takes the questions that wait for one. */
  online(): void {
    for (const asked of this.#asked.values()) if (!asked.sent) this.#send(asked)
  }

  /**
   * The connection is gone, and with it the questions that may not be asked twice. If a message was too long, the longest
   * question is not asked again either; without one, the next connection would end the same way.
   */
  lost(why: string): void {
    let longest: Asked | undefined
    for (const asked of this.#asked.values()) {
      if (asked.sent) longest = longest && longest.size > asked.size ? longest : asked
    }
    // Before the others, as a request has this reason too.
    if (this.#connection.isTooLong) {
      if (longest?.size) this.#fail(longest, new LinkError('limit', why, true))
      else this.#connection.close(why)
    }
    for (const asked of this.#asked.values()) {
      if (!asked.sent) continue
      asked.sent = false
      if (!asked.repeat) this.#fail(asked, new LinkError('lost', why, true))
    }
  }

  /** The link is closed. */
  close(why: string): void {
    for (const asked of this.#asked.values()) this.#fail(asked, new LinkError('closed', why, asked.sent !== undefined))
  }

  #add(question: WithoutId<ClientMessage>, more: Omit<Asked, 'message'>): Asked {
    const id = this.#nextId++
    const asked = { message: { ...question, id } as Asked['message'], ...more }
    this.#waitingBytes += asked.size
    this.#asked.set(id, asked)
    return asked
  }

  #send(asked: Asked): void {
    asked.sent = true
    this.#connection.send(asked.message, asked.data)
  }

  #fail(asked: Asked, error: unknown): void {
    this.#end(asked.message.id)?.failed?.(error)
  }

  #end(id: number): Asked | undefined {
    const asked = this.#asked.get(id)
    if (asked) {
      this.#asked.delete(id)
      this.#waitingBytes -= asked.size
      asked.ended?.()
    }
    return asked
  }
}
