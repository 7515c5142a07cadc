import { HeaderFields } from '../../core/http/header-fields.js'
import { isHost } from '../../core/http/request-target.js'
import { showAs } from '../../core/inspection.js'
import { isError } from '../../core/value-kinds.js'
import type { RequestHead } from '../../ports/http-host.js'
import type { PlatformAbortSignal } from '../../ports/platform-types.js'
import * as platform from '../platform.js'
import type { RequestPeer } from '../proxies/request-peer.js'
import { noParams, type PathParams } from '../routing/path-pattern.js'
import { type Cookies, parseCookies } from './cookies.js'

const noProtocols: readonly string[] = Object.freeze([])

const secureSchemes = { ws: 'wss', http: 'https' } as const

/** The origins without a host. */
const origins = { ws: 'ws://', wss: 'wss://', http: 'http://', https: 'https://' } as const

/** An HTTP request as a handler sees it: an opening handshake, or a plain request. */
export class IncomingRequest {
  readonly method: string
  readonly headers: HeaderFields
  /** The subprotocols that the client offers, the preferred first. */
  readonly protocols: readonly string[]
  /**
   * The client's IP address: the peer's, or as a proxy of `trustedProxies` reports it. Undefined if there is none, as over a
   * Unix socket, or if the proxy does not tell it.
   */
  readonly remoteAddress: string | undefined
  /**
   * The parameters of the path by their names in the option `path`, decoded; that of `*` has the name 0. Without a pattern
   * there are none.
   */
  readonly params: PathParams
  /** The scheme with `//`, and the host if it is not that of the headers. */
  readonly #origin: string
  readonly #target: string
  /** Each member is made when it is first asked for: few handlers need one, and an idle connection keeps its request. */
  #asked: { cookies?: Cookies; abort?: AbortController } | undefined

  constructor(
    { method, target, fields }: RequestHead,
    { address, encrypted, host }: Pick<RequestPeer, 'address' | 'encrypted' | 'host'>,
    scheme: 'ws' | 'http',
    headers = new HeaderFields(fields),
    protocols: readonly string[] = noProtocols,
    params = noParams,
  ) {
    this.method = method
    this.headers = headers
    this.protocols = protocols
    this.remoteAddress = address
    this.params = params
    this.#origin = origins[encrypted ? secureSchemes[scheme] : scheme]
    if (host !== undefined) this.#origin += host
    this.#target = target
  }

  /**
   * The whole URL, which the class URL can parse: ws or wss for a handshake, http or https for a plain request.
   * @remarks The host of the URL is the one that the client sent, as the server or a proxy of `trustedProxies` has received
   * it, or `unknown.invalid` if that is no host.
   */
  get url(): string {
    // The target may be a whole URL, RFC 9112 §3.2.2, or `*`.
    const path = /^(?:[a-z]+:\/\/[^/?]*)?([/?].*)?$/i.exec(this.#target)?.[1] ?? '/'
    const hostAt = this.#origin.indexOf('//') + 2
    const host = this.#origin.slice(hostAt) || (this.headers.get('host') ?? '')
    const scheme = this.#origin.slice(0, hostAt)
    const url = `${scheme}${host}${path}`
    // A Host with a slash in it would put its own path before the request's.
    return isHost(host) && platform.URL.canParse(url) ? url : `${scheme}unknown.invalid${path}`
  }

  /**
   * The cookies by name, read when they are first asked for (RFC 6265bis). The first of several with one name counts.
   * Values are as the client sent them: pass them to `decodeURIComponent` if the app encodes them.
   */
  get cookies(): Readonly<Record<string, string>> {
    this.#asked ??= {}
    this.#asked.cookies ??= parseCookies(this.headers.all('cookie'))
    return this.#asked.cookies
  }

  /**
   * Aborted when the decision of `upgrade` does not matter any more: the peer has left, the time is up, or the server stops.
   * The reason is a TransportError. Pass it to a `fetch` or a query; if that rejects because of the signal, `error` is not
   * called. The signal of a plain request is never aborted.
   */
  get signal(): PlatformAbortSignal {
    return this.#askedAbort().signal
  }

  #askedAbort(): AbortController {
    this.#asked ??= {}
    this.#asked.abort ??= new platform.AbortController()
    return this.#asked.abort
  }

  /** For `JSON.stringify`. Omits header fields, which may be secret. */
  toJSON(): object {
    const { method, url, protocols, remoteAddress } = this
    return { method, url, protocols, remoteAddress }
  }

  /** Aborts the `signal` of a request, once. Static, because the type that users see has no statics. */
  static giveUp(request: IncomingRequest, reason: Error): void {
    request.#askedAbort().abort(reason)
  }

  /** Whether an error is only the consequence of the aborted `signal`. */
  static explains(request: IncomingRequest, error: unknown): boolean {
    const signal = request.#asked?.abort?.signal
    if (signal?.aborted !== true) return false
    return error === signal.reason || (isError(error) && error.name === 'AbortError')
  }
}

showAs(IncomingRequest.prototype, ({ method, url, headers, protocols, remoteAddress }) => ({
  method,
  url,
  headers,
  protocols,
  remoteAddress,
}))
