import { HandshakeError } from '../../core/errors.js'
import { encodeResponse } from '../../core/handshake/encode-response.js'
import { requestForm } from '../../core/handshake/head-form.js'
import { HeadParser } from '../../core/handshake/head-parser.js'
import { HeaderFields } from '../../core/handshake/header-fields.js'
import { hostAnswers } from '../../core/handshake/host-answers.js'
import { refusalOf } from '../../core/handshake/server-handshake.js'
import type { Clock, Timer } from '../../ports/clock.js'
import type { HttpHandler, HttpListener, HttpResponse, ListenOptions, RequestHead } from '../../ports/http-host.js'
import type { TransportSink } from '../../ports/transport.js'
import type { MemoryTransport } from './memory-transport.js'

/** What listens on one address of a memory network: an HTTP server that answers one request a connection. */
export class MemoryListener implements HttpListener {
  readonly port: number
  readonly address: string
  readonly encrypted: boolean
  readonly options: ListenOptions
  readonly handler: HttpHandler
  readonly clock: Clock
  /** The connections that are no WebSockets. */
  readonly requests = new Set<MemoryRequest>()
  readonly #freeAddress: () => void

  constructor(options: ListenOptions, handler: HttpHandler, clock: Clock, freeAddress: () => void) {
    this.port = options.port
    this.address = options.host
    this.encrypted = options.tls !== undefined
    this.options = options
    this.handler = handler
    this.clock = clock
    this.#freeAddress = freeAddress
  }

  accept(transport: MemoryTransport): void {
    const request = new MemoryRequest(this, transport)
    this.requests.add(request)
    transport.start(request)
  }

  async close(): Promise<void> {
    this.#freeAddress()
    for (const request of this.requests) request.drop()
  }
}

/** Reads the head of the one request of a connection and hands the connection over or answers. */
class MemoryRequest implements TransportSink {
  readonly #listener: MemoryListener
  readonly #transport: MemoryTransport
  readonly #parser: HeadParser<RequestHead>
  #timer: Timer | undefined
  #isRead = false
  #isAnswered = false

  constructor(listener: MemoryListener, transport: MemoryTransport) {
    this.#listener = listener
    this.#transport = transport
    this.#parser = new HeadParser(requestForm, listener.options)
    this.#within(() => this.#answer(hostAnswers.requestTooSlow))
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isRead) return
    const next = start + this.#read(bytes, start, end)
    const { head } = this.#parser
    if (head === undefined || this.#isAnswered) return
    this.#isRead = true
    this.#timer?.cancel()
    if (new HeaderFields(head.fields).has('upgrade')) this.#handOver(head, bytes.subarray(next, end))
    else void this.#respond(head)
  }

  drained(): void {}

  ended(): void {
    if (!this.#isRead) this.#answer(refusalOf(new HandshakeError('requestMalformed', 'it was broken off')))
  }

  closed(): void {
    this.#forget()
  }

  drop(): void {
    this.#forget()
    this.#transport.destroy()
  }

  /** Returns the octets of the head that were read. */
  #read(bytes: Uint8Array, start: number, end: number): number {
    try {
      return this.#parser.receive(bytes, start, end)
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
      this.#answer(refusalOf(error))
      return 0
    }
  }

  #forget(): void {
    this.#isAnswered = true
    this.#timer?.cancel()
    this.#listener.requests.delete(this)
  }

  #handOver(head: RequestHead, early: Uint8Array): void {
    this.#forget()
    this.#transport.unread(early)
    this.#listener.handler.upgrade(head, this.#transport)
  }

  async #respond(head: RequestHead): Promise<void> {
    try {
      this.#answer(await this.#listener.handler.request(head, this.#transport.peer), head.method === 'HEAD')
    } catch {
      this.#answer(hostAnswers.handlerFailed)
    }
  }

  /** Throws where the response can't be encoded; nothing was sent then. */
  #answer(response: HttpResponse, bodyless = false): void {
    if (this.#isAnswered) return
    this.#transport.write(encodeResponse(response, bodyless))
    this.#transport.end()
    this.#isRead = true
    this.#isAnswered = true
    // The client closes first, or its time is up.
    this.#within(() => this.drop())
  }

  #within(callback: () => void): void {
    const { clock, options } = this.#listener
    this.#timer?.cancel()
    if (Number.isFinite(options.handshakeTimeoutMs)) this.#timer = clock.after(options.handshakeTimeoutMs, callback)
  }
}
