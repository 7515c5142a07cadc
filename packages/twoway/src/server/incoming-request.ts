import { HeaderFields } from '../core/handshake/header-fields.js'
import type { RequestHead } from '../ports/http-host.js'
import type { PlatformAbortSignal } from '../ports/platform-types.js'
import type { TransportPeer } from '../ports/transport.js'
import { LazyAbort } from './lazy-abort.js'

/** A request as a handler sees it: an opening handshake, or a plain request. */
export class IncomingRequest {
  readonly method: string
  readonly headers: HeaderFields
  /** The subprotocols that a handshake offers, the preferred first. */
  readonly protocols: readonly string[]
  /** The peer's IP address, or undefined where there is none. */
  readonly remoteAddress: string | undefined
  readonly #origin: string
  readonly #target: string
  readonly #abort: LazyAbort

  constructor(
    { method, target, fields }: RequestHead,
    { address, encrypted }: TransportPeer,
    scheme: 'ws' | 'http',
    headers = new HeaderFields(fields),
    protocols: readonly string[] = [],
    abort = new LazyAbort(),
  ) {
    this.method = method
    this.headers = headers
    this.protocols = protocols
    this.remoteAddress = address
    this.#origin = `${scheme}${encrypted ? 's' : ''}://`
    this.#target = target
    this.#abort = abort
  }

  /**
   * The whole URL, which the class URL takes: ws or wss for a handshake, http or https for a plain request.
   * Its host is what the client says, or `unknown.invalid` where that is no host.
   */
  get url(): string {
    // The target may be a whole URL, RFC 9112 §3.2.2, or `*`.
    const path = /^(?:[a-z]+:\/\/[^/?]*)?([/?].*)?$/i.exec(this.#target)?.[1] ?? '/'
    const url = `${this.#origin}${this.headers.get('host') ?? ''}${path}`
    return URL.canParse(url) ? url : `${this.#origin}unknown.invalid${path}`
  }

  /**
   * Of a handshake: aborted where the decision of `upgrade` can't matter any more, as the peer has left (the reason is a
   * TransportError), its time is up or the server stops. For a `fetch` or a query that takes a signal; what it rejects
   * with then is not told to `error`. A plain request's is never aborted.
   */
  get signal(): PlatformAbortSignal {
    return this.#abort.signal
  }
}
