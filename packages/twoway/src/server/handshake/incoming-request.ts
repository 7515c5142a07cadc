import { HeaderFields } from '../../core/http/header-fields.js'
import { isHost } from '../../core/http/request-target.js'
import type { RequestHead } from '../../ports/http-host.js'
import type { PlatformAbortSignal } from '../../ports/platform-types.js'
import type { TransportPeer } from '../../ports/transport.js'

const noProtocols: readonly string[] = Object.freeze([])

const secureSchemes = { ws: 'wss', http: 'https' } as const

/** A request as a handler sees it: an opening handshake, or a plain request. */
export class IncomingRequest {
  readonly method: string
  readonly headers: HeaderFields
  /** The subprotocols that a handshake offers, the preferred first. */
  readonly protocols: readonly string[]
  /** The peer's IP address, or undefined where there is none. */
  readonly remoteAddress: string | undefined
  readonly #scheme: string
  readonly #target: string
  /** Made when it is asked for: few handlers do, and one costs more than a handshake's parsing. */
  #abort: AbortController | undefined

  constructor(
    { method, target, fields }: RequestHead,
    { address, encrypted }: TransportPeer,
    scheme: 'ws' | 'http',
    headers = new HeaderFields(fields),
    protocols: readonly string[] = noProtocols,
  ) {
    this.method = method
    this.headers = headers
    this.protocols = protocols
    this.remoteAddress = address
    this.#scheme = encrypted ? secureSchemes[scheme] : scheme
    this.#target = target
  }

  /**
   * The whole URL, which the class URL takes: ws or wss for a handshake, http or https for a plain request.
   * Its host is what the client says, or `unknown.invalid` where that is no host.
   */
  get url(): string {
    // The target may be a whole URL, RFC 9112 §3.2.2, or `*`.
    const path = /^(?:[a-z]+:\/\/[^/?]*)?([/?].*)?$/i.exec(this.#target)?.[1] ?? '/'
    const host = this.headers.get('host') ?? ''
    const url = `${this.#scheme}://${host}${path}`
    // A Host with a slash in it would put its own path before the request's.
    return isHost(host) && URL.canParse(url) ? url : `${this.#scheme}://unknown.invalid${path}`
  }

  /**
   * Of a handshake: aborted where the decision of `upgrade` can't matter any more, as the peer has left (the reason is a
   * TransportError), its time is up or the server stops. For a `fetch` or a query that takes a signal; what it rejects
   * with then is not told to `error`. A plain request's is never aborted.
   */
  get signal(): PlatformAbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  /** Aborts a request's `signal`, once. Static, as the type that users see has no statics. */
  static giveUp(request: IncomingRequest, reason: Error): void {
    request.#abort ??= new AbortController()
    request.#abort.abort(reason)
  }

  /** Whether an error only says that the request's `signal` was heeded. */
  static explains(request: IncomingRequest, error: unknown): boolean {
    const signal = request.#abort?.signal
    if (signal?.aborted !== true) return false
    return error === signal.reason || (error instanceof Error && error.name === 'AbortError')
  }
}
