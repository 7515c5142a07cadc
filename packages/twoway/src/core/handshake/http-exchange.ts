import type { Clock, Timer } from '../../ports/clock.js'
import type { HttpHandler, HttpResponse, RequestHead, RequestLimits } from '../../ports/http-host.js'
import type { RewindableTransport, TransportSink } from '../../ports/transport.js'
import { HandshakeError } from '../errors.js'
import { encodeResponse } from './encode-response.js'
import { requestForm } from './head-form.js'
import { HeadParser } from './head-parser.js'
import { isFieldName } from './header-fields.js'
import { hostAnswers } from './host-answers.js'
import { refusalOf } from './server-handshake.js'

export interface HttpExchangeOptions {
  readonly transport: RewindableTransport
  readonly limits: RequestLimits
  /** Milliseconds that the request's head has left to arrive. */
  readonly timeMs: number
  readonly handler: HttpHandler
  readonly clock: Clock
  /** The exchange is over: the connection was handed over, or is gone. */
  onOver(exchange: HttpExchange): void
}

/**
 * The one request of a connection, HTTP/1.1: reads its head, hands the connection over where that asks for an upgrade, or
 * answers and ends it. For hosts that have the bytes of a connection and no HTTP server.
 */
export class HttpExchange implements TransportSink {
  readonly #options: HttpExchangeOptions
  readonly #parser: HeadParser<RequestHead>
  #timer: Timer | undefined
  #isRead = false
  #isAnswered = false

  constructor(options: HttpExchangeOptions) {
    this.#options = options
    this.#parser = new HeadParser(requestForm, options.limits)
    this.#within(options.timeMs, () => this.#refuse(hostAnswers.requestTooSlow))
    options.transport.start(this)
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isRead) return
    const next = start + this.#read(bytes, start, end)
    const { head } = this.#parser
    if (head === undefined || this.#isAnswered) return
    this.#isRead = true
    this.#timer?.cancel()
    if (asksForUpgrade(head)) this.#handOver(head, bytes.subarray(next, end))
    else void this.#respond(head)
  }

  drained(): void {}

  ended(): void {
    if (!this.#isRead) this.#refuse(refusalOf(new HandshakeError('requestMalformed', 'it was broken off')))
  }

  closed(): void {
    this.#forget()
  }

  /** Drops the connection, unless it was handed over. */
  drop(): void {
    this.#forget()
    this.#options.transport.destroy()
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
    this.#timer?.cancel()
    this.#options.onOver(this)
  }

  #handOver(head: RequestHead, early: Uint8Array): void {
    const { transport, handler } = this.#options
    this.#forget()
    transport.unread(early)
    handler.upgrade(head, transport)
  }

  async #respond(head: RequestHead): Promise<void> {
    const { transport, handler } = this.#options
    try {
      this.#answer(await handler.request(head, transport.peer), head.method === 'HEAD')
    } catch {
      this.#answer(hostAnswers.handlerFailed)
    }
  }

  #refuse(response: HttpResponse): void {
    if (this.#isAnswered) return
    const { transport, handler } = this.#options
    this.#answer(response)
    handler.refused(response.status, transport.peer)
  }

  /** Throws where the response can't be encoded; nothing was sent then. */
  #answer(response: HttpResponse, bodyless = false): void {
    if (this.#isAnswered) return
    const { transport, limits } = this.#options
    transport.write(encodeResponse(response, bodyless))
    transport.end()
    this.#isRead = true
    this.#isAnswered = true
    // Closing with octets of the request unread would reset the connection, and the answer might be lost: the client
    // closes first, or its time is up.
    this.#within(limits.handshakeTimeoutMs, () => this.drop())
  }

  #within(timeMs: number, callback: () => void): void {
    this.#timer?.cancel()
    if (Number.isFinite(timeMs)) this.#timer = this.#options.clock.after(timeMs, callback)
  }
}

function asksForUpgrade({ fields }: RequestHead): boolean {
  for (let at = 0; at < fields.length; at += 2) if (isFieldName(fields[at]!, 'upgrade')) return true
  return false
}
