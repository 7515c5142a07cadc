import type { ExchangeLimits, HttpHandler, HttpResponse, RequestHead } from '../../ports/http-host.js'
import type { MemoryHolder, MemoryShare } from '../../ports/memory-budget.js'
import type { RewindableTransport, TransportSink } from '../../ports/transport.js'
import { HandshakeError } from '../errors.js'
import { refusalOf } from '../handshake/server-handshake.js'
import { offersWebSocket } from '../handshake/upgrade-request.js'
import { encodeResponse } from './encode-response.js'
import { requestForm } from './head-form.js'
import { HeadParser } from './head-parser.js'
import { standardResponses } from './standard-responses.js'

const nothing = new Uint8Array(0)

/** Milliseconds that a client has to take a 503 for want of room and to close: it must not take room itself. */
const shortLingerMs = 1_000

/** Where exchanges belong. */
export interface ExchangeHost {
  readonly limits: ExchangeLimits
  readonly handler: HttpHandler
  /** A request is to be answered, in its time; false where too many are. */
  beginAnswer(exchange: HttpExchange): boolean
  /** It was answered: its client has so many milliseconds to close, fewer where too many take theirs. */
  linger(exchange: HttpExchange, timeMs: number): void
  /** An exchange is over: its connection was handed over, or is gone. */
  end(exchange: HttpExchange): void
}

/**
 * The one request of a connection, HTTP/1.1: reads its head, hands the connection over where that asks for an upgrade, or
 * answers and ends it. For hosts that have the bytes of a connection and no HTTP server.
 */
export class HttpExchange implements TransportSink, MemoryHolder {
  /** When its time is up, in the clock's milliseconds. */
  until = Number.POSITIVE_INFINITY
  /** The roster's own. */
  index = -1
  /** The host's own: whether it counts among the requests to be answered. */
  isCounted = false
  readonly #transport: RewindableTransport
  readonly #host: ExchangeHost
  #parser: HeadParser<RequestHead>
  /** Open while a part of the head has come. */
  #share: MemoryShare | undefined
  #isRead = false
  #isAnswered = false
  /** RFC 9110 §9.3.2: the answer to HEAD has no body, whatever else it is. */
  #isBodyless = false

  constructor(transport: RewindableTransport, host: ExchangeHost) {
    this.#transport = transport
    this.#host = host
    this.#parser = new HeadParser(requestForm, host.limits)
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isRead) return
    const next = start + this.#read(bytes, start, end)
    const { head } = this.#parser
    if (this.#isAnswered) return
    if (head === undefined) {
      this.#share ??= this.#host.limits.receiveBudget?.open(this)
      this.#share?.set(this.#parser.heldBytes)
      return
    }
    this.#share?.close()
    this.#isRead = true
    this.#isBodyless = head.method === 'HEAD'
    if (offersWebSocket(head)) this.#handOver(head, next === end ? nothing : bytes.subarray(next, end))
    else void this.#respond(head)
  }

  drained(): void {}

  ended(): void {
    if (!this.#isRead) this.#refuse(refusalOf(new HandshakeError('requestMalformed', 'it was broken off')))
  }

  closed(): void {
    this.#forget()
  }

  /** What has come of the head is forgotten. */
  evict(): void {
    this.#refuse(standardResponses.noRoom)
    this.#parser = new HeadParser(requestForm, this.#host.limits)
  }

  /** Drops the connection. */
  drop(): void {
    this.#forget()
    this.#transport.destroy()
  }

  /** The head or the answer has not come in time, or the client has not closed once it was answered. */
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

  /** Returns the bytes of the head that were read. */
  #read(bytes: Uint8Array, start: number, end: number): number {
    try {
      return this.#parser.receive(bytes, start, end)
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
    this.#isBodyless = this.#parser.begun?.method === 'HEAD'
    this.#answer(response)
    this.#host.handler.refused(response.status, this.#transport.peer)
  }

  /** Throws where the response can't be encoded; nothing was sent then. */
  #answer(response: HttpResponse, lingerMs = this.#host.limits.handshakeTimeoutMs): void {
    if (this.#isAnswered) return
    this.#transport.write(encodeResponse(response, this.#isBodyless))
    this.#transport.end()
    this.#isRead = true
    this.#isAnswered = true
    this.#share?.close()
    // Closing with bytes of the request unread would reset the connection, and the answer might be lost: the client
    // closes first, or its time is up.
    this.#host.linger(this, Math.min(lingerMs, this.#host.limits.handshakeTimeoutMs))
  }
}

/** The answer to a request that is for the server itself, not for what it has. */
function ownAnswer({ method, target }: RequestHead): HttpResponse | undefined {
  // RFC 9110 §9.3.6: a 2xx would make a tunnel of the connection.
  if (method === 'CONNECT') return standardResponses.noTunnels
  // RFC 9110 §9.3.7, RFC 9112 §3.2.4: no other method has this target.
  if (target === '*') return method === 'OPTIONS' ? standardResponses.serverAnswers : standardResponses.targetForOptions
  return undefined
}
