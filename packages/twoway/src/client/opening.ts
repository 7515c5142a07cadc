import { HandshakeError, TransportError } from '../core/errors.js'
import type { Extension, ExtensionNegotiator } from '../core/extensions/extension.js'
import { confirmExtension } from '../core/extensions/negotiation.js'
import type { ClientHandshake, ServerAnswer } from '../core/handshake/client-handshake.js'
import type { Clock, Timer } from '../ports/clock.js'
import type { Transport, TransportSink } from '../ports/transport.js'

export interface OpeningEvents {
  /** The server accepted; `rest[start, end)` came behind its answer and is valid during the call only. */
  opened(opened: OpenedConnection, rest: Uint8Array, start: number, end: number): void
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
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly events: OpeningEvents
}

/** Carries a client's opening handshake over a transport. Ends in one of its two events, later than the constructor. */
export class Opening implements TransportSink {
  readonly #options: OpeningOptions
  readonly #timer: Timer
  #isOpen = false
  #failure: HandshakeError | TransportError | undefined

  constructor(options: OpeningOptions) {
    const { transport, handshake, clock, timeoutMs, signal } = options
    this.#options = options
    this.#timer = clock.after(timeoutMs, () => {
      this.fail(new TransportError(`the opening handshake was not done within ${timeoutMs} ms`))
    })
    transport.start(this)
    transport.write(handshake.request)
    signal?.addEventListener('abort', this.#abort)
    if (signal?.aborted) this.#abort()
  }

  /** Gives up for this reason, unless it is done. */
  fail(error: HandshakeError | TransportError): void {
    if (this.#isOpen || this.#failure !== undefined) return
    this.#failure = error
    this.#settle()
    this.#options.transport.destroy()
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    if (this.#failure !== undefined) return
    const { handshake, negotiators, transport, events } = this.#options
    try {
      const rest = start + handshake.receive(bytes, start, end)
      const answer = handshake.result
      if (answer === undefined) return
      const extension = confirmExtension(answer.extensions, negotiators)
      this.#isOpen = true
      this.#settle()
      events.opened({ transport, answer, extension }, bytes, rest, end)
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
      this.fail(error)
    }
  }

  drained(): void {}

  ended(): void {
    this.fail(new TransportError('the server ended the connection before it had answered the opening handshake'))
  }

  closed(error?: Error): void {
    this.#settle()
    this.#options.events.failed(this.#failure ?? transportFailure(error))
  }

  #settle(): void {
    this.#timer.cancel()
    this.#options.signal?.removeEventListener('abort', this.#abort)
  }

  readonly #abort = (): void => {
    this.fail(new TransportError('connecting was aborted', { cause: this.#options.signal?.reason }))
  }
}

function transportFailure(error: Error | undefined): TransportError {
  if (error instanceof TransportError) return error
  const message = 'the connection was lost before the opening handshake was done'
  return error === undefined
    ? new TransportError(message)
    : new TransportError(`${message}: ${error.message}`, { cause: error })
}
