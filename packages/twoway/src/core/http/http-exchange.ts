import type { HttpHandler, HttpResponse, RequestHead, RequestLimits } from '../../ports/http-host.js'
import type { RewindableTransport, TransportSink } from '../../ports/transport.js'
import { HandshakeError } from '../errors.js'
import { refusalOf } from '../handshake/server-handshake.js'
import { encodeResponse } from './encode-response.js'
import { requestForm } from './head-form.js'
import { HeadParser } from './head-parser.js'
import { findField } from './header-fields.js'
import { hostAnswers } from './host-answers.js'

const nothing = new Uint8Array(0)

/** Where exchanges belong. */
export interface ExchangeHost {
  readonly limits: RequestLimits
  readonly handler: HttpHandler
  /** Has `timeIsUp` called once so many milliseconds have passed, unless the exchange is over by then. */
  giveTime(exchange: HttpExchange, timeMs: number): void
  /** An exchange is over: its connection was handed over, or is gone. */
  end(exchange: HttpExchange): void
}

/**
 * The one request of a connection, HTTP/1.1: reads its head, hands the connection over where that asks for an upgrade, or
 * answers and ends it. For hosts that have the bytes of a connection and no HTTP server.
 */
export class HttpExchange implements TransportSink {
  /** When its time is up, in the clock's milliseconds. */
  until = Number.POSITIVE_INFINITY
  /** The roster's own. */
  place = -1
  readonly #transport: RewindableTransport
  readonly #host: ExchangeHost
  readonly #parser: HeadParser<RequestHead>
  #isRead = false
  #isAnswered = false

  constructor(transport: RewindableTransport, host: ExchangeHost) {
    this.#transport = transport
    this.#host = host
    this.#parser = new HeadParser(requestForm, host.limits)
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isRead) return
    const next = start + this.#read(bytes, start, end)
    const { head } = this.#parser
    if (head === undefined || this.#isAnswered) return
    this.#isRead = true
    if (findField(head.fields, 'upgrade') >= 0) {
      this.#handOver(head, next === end ? nothing : bytes.subarray(next, end))
    } else {
      this.until = Number.POSITIVE_INFINITY
      void this.#respond(head)
    }
  }

  drained(): void {}

  ended(): void {
    if (!this.#isRead) this.#refuse(refusalOf(new HandshakeError('requestMalformed', 'it was broken off')))
  }

  closed(): void {
    this.#forget()
  }

  /** Drops the connection. */
  drop(): void {
    this.#forget()
    this.#transport.destroy()
  }

  /** The head has not come in time, or the client has not closed once it was answered. */
  timeIsUp(): void {
    if (this.#isAnswered) this.drop()
    else this.#refuse(hostAnswers.requestTooSlow)
  }

  /** Returns the octets of the head that were read. */
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
    this.#host.end(this)
  }

  #handOver(head: RequestHead, early: Uint8Array): void {
    this.#forget()
    this.#transport.unread(early)
    this.#host.handler.upgrade(head, this.#transport)
  }

  async #respond(head: RequestHead): Promise<void> {
    try {
      const response = await this.#host.handler.request(head, this.#transport.peer)
      this.#answer(response, head.method === 'HEAD')
    } catch {
      this.#answer(hostAnswers.handlerFailed)
    }
  }

  #refuse(response: HttpResponse): void {
    if (this.#isAnswered) return
    this.#answer(response)
    this.#host.handler.refused(response.status, this.#transport.peer)
  }

  /** Throws where the response can't be encoded; nothing was sent then. */
  #answer(response: HttpResponse, bodyless = false): void {
    if (this.#isAnswered) return
    this.#transport.write(encodeResponse(response, bodyless))
    this.#transport.end()
    this.#isRead = true
    this.#isAnswered = true
    // Closing with octets of the request unread would reset the connection, and the answer might be lost: the client
    // closes first, or its time is up.
    this.#host.giveTime(this, this.#host.limits.handshakeTimeoutMs)
  }
}
