import { errorOf, HandshakeError, TransportError } from '../../core/errors.js'
import type { Extension, ExtensionNegotiator } from '../../core/extensions/extension.js'
import { confirmExtension } from '../../core/extensions/negotiation.js'
import { type ClientHandshake, notSwitched, type ServerAnswer } from '../../core/handshake/client-handshake.js'
import { HeaderFields } from '../../core/http/header-fields.js'
import { ResponseBody } from '../../core/http/response-body.js'
import type { ClientLimits } from '../../core/limits.js'
import type { Clock, Timer } from '../../ports/clock.js'
import type { ResponseHead } from '../../ports/http-host.js'
import type { Loss, Transport, TransportSink } from '../../ports/transport.js'
import { describeForeign, mostTelling } from './foreign-protocol.js'
import { codingsOf, decodeText, type InflateBody, undoCodings } from './refusal-body.js'

export interface OpeningEvents {
  /** The server accepted. `rest[start, end)` arrived behind its answer and is valid during the call only. */
  opened(opened: OpenedConnection, rest: Uint8Array, start: number, end: number): void
  /**
   * The server answered with another status than 101. Returns an addition to the error's sentence, '' for none; or undefined
   * if the opening was abandoned in the call.
   */
  refused(response: ResponseHead): string | undefined
  /** The handshake failed and the transport is gone. */
  failed(error: HandshakeError | TransportError): void
}

export interface OpenedConnection {
  readonly transport: Transport
  readonly answer: ServerAnswer
  readonly extension: Extension | undefined
}

export interface OpeningOptions {
  readonly handshake: ClientHandshake
  readonly transport: Transport
  readonly negotiators: readonly ExtensionNegotiator[]
  readonly clock: Clock
  readonly limits: ClientLimits
  readonly inflate: InflateBody | undefined
  readonly events: OpeningEvents
}

/**
 * Makes a client's opening handshake over one transport. Ends with `opened` or `failed`, never within the constructor, or by
 * `abandon`. If the server answers with another status than 101, it reads the body of the answer first.
 */
export class Opening implements TransportSink {
  readonly #options: OpeningOptions
  #isOver = false
  #isAbandoned = false
  /** The first bytes of the answer: they identify its protocol if it is not HTTP. */
  readonly #beginning: number[] = []
  #hasEnded = false
  #failure: HandshakeError | TransportError | undefined
  #refusal: { readonly response: ResponseHead; readonly explanation: string; readonly body: ResponseBody } | undefined
  #bodyTimer: Timer | undefined
  /** Whether the body of a refusal is being decoded, and whether the transport has closed in the meantime. */
  #isDecoding = false
  #isGone = false

  constructor(options: OpeningOptions) {
    const { transport, handshake } = options
    this.#options = options
    transport.start(this)
    transport.write(handshake.request)
  }

  /** Fails with this error, unless it has ended. `failed` follows. */
  fail(error: HandshakeError | TransportError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#failure = error
    this.#options.transport.destroy()
  }

  /** Fails because the time is over: with the refusal that has arrived so far, or else with this error. */
  expire(error: TransportError): void {
    if (this.#refusal === undefined) this.fail(error)
    else this.#failRefused()
  }

  /** Drops the transport. No event follows. */
  abandon(): void {
    this.#isOver = true
    this.#isAbandoned = true
    this.#options.transport.destroy()
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return
    if (this.#refusal !== undefined) {
      this.#receiveBody(bytes, start, end)
      return
    }
    const { handshake, negotiators, transport, events } = this.#options
    const before = handshake.bytesRead
    try {
      const rest = start + handshake.receive(bytes, start, end)
      const answer = handshake.result
      if (answer === undefined) {
        this.#keepBeginning(bytes, start, end)
        return
      }
      const extension = confirmExtension(answer.extensions, negotiators)
      this.#isOver = true
      events.opened({ transport, answer, extension }, bytes, rest, end)
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
      this.#keepBeginning(bytes, start, end)
      if (error.code === 'statusNot101') {
        this.#refuse(handshake.response!, bytes, start + handshake.bytesRead - before, end)
      } else if (error.code === 'responseMalformed' && !this.#isHttp()) {
        const beginning = Uint8Array.from(this.#beginning)
        this.fail(new HandshakeError('responseMalformed', describeForeign(beginning, transport.peer.encrypted)))
      } else {
        this.fail(error)
      }
    }
  }

  drained(): void {}

  ended(): void {
    const { transport } = this.#options
    if (this.#refusal !== undefined) {
      this.#failRefused()
    } else if (transport.peer.encrypted) {
      // With TLS 1.3 the alert about a missing client certificate arrives after the TLS handshake, RFC 8446 §4.4.2.4.
      this.#hasEnded = true
      transport.end()
    } else {
      this.fail(this.#endedTooEarly())
    }
  }

  closed(loss?: Loss): void {
    this.#bodyTimer?.cancel()
    if (this.#isAbandoned) return
    this.#isGone = true
    if (this.#refusal !== undefined) this.#failRefused()
    if (this.#isDecoding) return
    this.#isOver = true
    const error = loss && errorOf(loss)
    const isEnd = this.#hasEnded && error?.cause === undefined
    this.#options.events.failed(this.#failure ?? (isEnd ? this.#endedTooEarly() : this.#transportFailure(error)))
  }

  /** Only an answer that is split or wrong is worth it. */
  #keepBeginning(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end && this.#beginning.length < mostTelling; at += 1) this.#beginning.push(bytes[at]!)
  }

  #refuse(response: ResponseHead, bytes: Uint8Array, start: number, end: number): void {
    const explanation = this.#options.events.refused(response)
    if (explanation === undefined) return
    const { clock, limits } = this.#options
    this.#refusal = { response, explanation, body: new ResponseBody(response, limits.maxRefusalBodyBytes) }
    this.#bodyTimer = clock.after(limits.refusalBodyTimeoutMs, () => this.#failRefused())
    this.#receiveBody(bytes, start, end)
  }

  #receiveBody(bytes: Uint8Array, start: number, end: number): void {
    const { body } = this.#refusal!
    body.receive(bytes, start, end)
    if (body.isDone) this.#failRefused()
  }

  /** Fails with the part of the body that has arrived. The connection does not wait for its decoding. */
  #failRefused(): void {
    if (this.#isOver) return
    const { response, explanation, body } = this.#refusal!
    const { inflate, limits } = this.#options
    const bytes = body.bytes.slice()
    const headers = new HeaderFields(response.fields)
    const codings = codingsOf(headers)
    const errorWith = (decoded: Uint8Array | undefined): HandshakeError =>
      notSwitched(response, explanation, { bytes, text: decoded === undefined ? '' : decodeText(decoded, headers) })
    if (codings.length === 0 || bytes.length === 0) {
      this.fail(errorWith(bytes))
      return
    }
    this.#isOver = true
    this.#isDecoding = true
    this.#bodyTimer?.cancel()
    this.#options.transport.destroy()
    void undoCodings(codings, bytes, inflate, limits.maxRefusalBodyBytes).then((decoded) => {
      this.#isDecoding = false
      this.#failure = errorWith(decoded)
      if (this.#isGone) this.#options.events.failed(this.#failure)
    })
  }

  #isHttp(): boolean {
    return String.fromCharCode(...this.#beginning).startsWith('HTTP/1.')
  }

  #endedTooEarly(): TransportError {
    return new TransportError(`the server ended the connection ${this.#tooEarly()}`)
  }

  #tooEarly(): string {
    const { peer } = this.#options.transport
    const hint =
      this.#beginning.length > 0 || peer.encrypted ? '' : '; a server that speaks TLS may do so: then connect by wss:'
    return `before it had answered the opening handshake${hint}`
  }

  #transportFailure(error: Error | undefined): TransportError {
    if (error instanceof TransportError) return error
    const reason = error === undefined ? '' : `: ${error.message}`
    return new TransportError(`the connection was lost ${this.#tooEarly()}${reason}`, { cause: error })
  }
}
