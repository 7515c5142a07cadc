import type { ExchangeLimits, HttpHandler, HttpResponse, RequestHead } from '../../ports/http-host.js'
import type { MemoryHolder, MemoryShare } from '../../ports/memory-budget.js'
import type { RewindableTransport, TransportSink } from '../../ports/transport.js'
import { HandshakeError } from '../errors.js'
import type { KnownHeads } from '../handshake/known-heads.js'
import { refusalOf } from '../handshake/server-handshake.js'
import { offersWebSocket } from '../handshake/upgrade-request.js'
import { encodeResponse } from './encode-response.js'
import { requestForm } from './head-form.js'
import { HeadParser } from './head-parser.js'
import { standardResponses } from './standard-responses.js'

const nothing = new Uint8Array(0)

/** Milliseconds for a client to read a 503 for lack of capacity and to close. Short, as it takes capacity itself. */
const shortLingerMs = 1_000

/** The owner of exchanges. */
export interface ExchangeHost {
  readonly limits: ExchangeLimits
  readonly handler: HttpHandler
  readonly knownHeads: KnownHeads
  /** Whether a request may be answered; false if too many are being answered. Starts the time for the answer. */
  beginAnswer(exchange: HttpExchange): boolean
  /** The exchange was answered. Its client has `timeMs` to close, less if too many exchanges linger. */
  linger(exchange: HttpExchange, timeMs: number): void
  /** The exchange is over: its connection was handed over or is gone. */
  end(exchange: HttpExchange): void
}

/**
 * The one HTTP/1.1 request of a connection: reads its head, then hands the connection over if it is an upgrade, or
 * answers it and closes. For hosts that get plain connections and have no HTTP server.
 */
export class HttpExchange implements TransportSink, MemoryHolder {
  /** The deadline, in the clock's milliseconds. */
  until = Number.POSITIVE_INFINITY
  /** Owned by the UnorderedSet. */
  index = -1
  /** Owned by the host: whether the exchange counts as a request being answered. */
  isCounted = false
  readonly #transport: RewindableTransport
  readonly #host: ExchangeHost
  /** Undefined before the first bytes. */
  #parser: HeadParser<RequestHead> | undefined
  /** Open while the head is incomplete. */
  #share: MemoryShare | undefined
  #isRead = false
  #isAnswered = false
  /** RFC 9110 §9.3.2: the answer to HEAD never has a body. */
  #isBodyless = false

  constructor(transport: RewindableTransport, host: ExchangeHost) {
    this.#transport = transport
    this.#host = host
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isRead) return
    const { knownHeads } = this.#host
    const isFirst = this.#parser === undefined
    const repeated = isFirst ? knownHeads.find(bytes, start, end) : undefined
    if (repeated !== undefined) {
      this.#isRead = true
      this.#handOver(repeated, nothing)
      return
    }
    this.#parser ??= this.#newParser()
    const next = start + this.#read(this.#parser, bytes, start, end)
    const { head } = this.#parser
    if (this.#isAnswered) return
    if (head === undefined) {
      this.#share ??= this.#host.limits.receiveBudget?.open(this)
      this.#share?.set(this.#parser.heldBytes)
      return
    }
    if (isFirst && next === end) knownHeads.miss(bytes, start, end, head)
    this.#share?.close()
    this.#isRead = true
    this.#isBodyless = head.method === 'HEAD'
    if (offersWebSocket(head)) this.#handOver(head, next === end ? nothing : bytes.subarray(next, end))
    else void this.#respond(head)
  }

  drained(): void {}

  ended(): void {
    if (!this.#isRead)
      this.#refuse(refusalOf(new HandshakeError('requestMalformed', 'the connection ended within the head')))
  }

  closed(): void {
    this.#forget()
  }

  /** Discards the received part of the head. */
  evict(): void {
    this.#refuse(standardResponses.noRoom)
    this.#parser = this.#newParser()
  }

  #newParser(): HeadParser<RequestHead> {
    return new HeadParser(requestForm, this.#host.limits)
  }

  /** Drops the connection. */
  drop(): void {
    this.#forget()
    this.#transport.destroy()
  }

  /** The deadline has passed: the head or the answer did not arrive in time, or an answered client did not close. */
  expire(): void {
    if (this.#isAnswered) {
      this.drop()
    } else if (this.#isRead) {
      this.#answer(standardResponses.answerTooSlow)
      this.#host.handler.limited('requestTimeoutMs', this.#transport.peer)
    } else {
      this.#refuse(standardResponses.requestTooSlow)
    }
  }

  /** Returns the number of bytes of the head that were read. */
  #read(parser: HeadParser<RequestHead>, bytes: Uint8Array, start: number, end: number): number {
    try {
      return parser.receive(bytes, start, end)
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
      this.#refuse(refusalOf(error))
      return 0
    }
  }

  #forget(): void {
    this.#isAnswered = true
    this.#share?.close()
    this.#host.end(this)
  }

  #handOver(head: RequestHead, early: Uint8Array): void {
    this.#forget()
    this.#transport.unread(early)
    this.#host.handler.upgrade(head, this.#transport)
  }

  async #respond(head: RequestHead): Promise<void> {
    if (!this.#host.beginAnswer(this)) {
      this.#answer(standardResponses.tooManyRequests, shortLingerMs)
      this.#host.handler.limited('maxRequests', this.#transport.peer)
      return
    }
    try {
      this.#answer(ownAnswer(head) ?? (await this.#host.handler.request(head, this.#transport.peer)))
    } catch (error) {
      this.#answer(standardResponses.handlerFailed)
      this.#host.handler.failed(error as Error)
    }
  }

  #refuse(response: HttpResponse): void {
    if (this.#isAnswered) return
    this.#isBodyless = this.#parser?.begun?.method === 'HEAD'
    this.#answer(response)
    this.#host.handler.refused(response, this.#transport.peer)
  }

  /** Throws if the response can't be encoded; nothing is sent then. */
  #answer(response: HttpResponse, lingerMs = this.#host.limits.handshakeTimeoutMs): void {
    // The error about a response that can't be sent is reported even if the response is late.
    const bytes = encodeResponse(response, this.#isBodyless)
    if (this.#isAnswered) return
    this.#transport.write(bytes)
    this.#transport.end()
    this.#isRead = true
    this.#isAnswered = true
    this.#share?.close()
    // Closing a connection with unread bytes resets it, and the answer may be lost. So the client closes first, or its
    // time ends.
    this.#host.linger(this, Math.min(lingerMs, this.#host.limits.handshakeTimeoutMs))
  }
}

/** The answer to a request that addresses the server itself. */
function ownAnswer({ method, target }: RequestHead): HttpResponse | undefined {
  // RFC 9110 §9.3.6: a 2xx would turn the connection into a tunnel.
  if (method === 'CONNECT') return standardResponses.noTunnels
  // RFC 9110 §9.3.7, RFC 9112 §3.2.4: only OPTIONS has this target.
  if (target === '*') return method === 'OPTIONS' ? standardResponses.serverAnswers : standardResponses.targetForOptions
  return undefined
}
