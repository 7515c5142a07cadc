import type { MemoryBudget } from './memory-budget.js'
import type { Transport, TransportPeer } from './transport.js'
import type { TransportPath } from './transport-report.js'

/** The head of a request as received, RFC 9112 §3 and §5. */
export interface RequestHead {
  readonly method: string
  /** The request-target, not decoded. */
  readonly target: string
  /** For example `1.1`. */
  readonly version: string
  /** Names and values in turn, in order; values without surrounding white space. */
  readonly fields: readonly string[]
}

/** The head of a response as received, RFC 9112 §4 and §5. */
export interface ResponseHead {
  readonly version: string
  readonly status: number
  readonly reason: string
  /** Names and values in turn, in order; values without surrounding white space. */
  readonly fields: readonly string[]
}

/** The answer to a plain request, or to a handshake that is refused. */
export interface HttpResponse {
  readonly status: number
  /** Names and values in turn. Content-Length is added when the answer is encoded. */
  readonly fields: readonly string[]
  readonly body: Uint8Array | string
  /** The reason of a refusal, for counting; undefined if the program has made this answer. */
  readonly reason?: string | undefined
}

/** The runtime's HTTP/1.1 server, which receives handshakes. */
export interface HttpHost {
  /**
   * Rejects with the system's error if the address is not available, and with a UsageError if the runtime can't listen
   * in this way.
   */
  listen(options: ListenOptions, handler: HttpHandler): Promise<HttpListener>
}

/** Limits of a head. */
export interface HeadLimits {
  /** Maximum length of a head in bytes. */
  readonly maxHeadBytes: number
  /** Maximum number of header fields. */
  readonly maxHeaderFields: number
}

/** Limits of a request. */
export interface RequestLimits extends HeadLimits {
  /** Counts incomplete heads; not counted by default. */
  readonly receiveBudget?: MemoryBudget | undefined
  /** Milliseconds for a request's head to arrive. */
  readonly handshakeTimeoutMs: number
}

/** Further limits of a host that answers plain requests. */
export interface ExchangeLimits extends RequestLimits {
  /**
   * Maximum number of requests that wait for an answer; further ones get a 503. Also the maximum number of answered
   * connections that are still open.
   */
  readonly maxRequests: number
  /** Milliseconds for the handler to answer a request; after that, the client gets a 503. */
  readonly requestTimeoutMs: number
}

export interface ListenOptions extends ExchangeLimits {
  readonly port: number
  /** A name or an IP address. */
  readonly host: string
  /** The path of a Unix socket, replacing host and port. */
  readonly socketPath?: string | undefined
  /** A listening handle of the runtime's own kind, replacing host and port. */
  readonly handle?: object | undefined
  /** Maximum number of connections that wait to be accepted. */
  readonly backlog?: number | undefined
  /** Lets other processes listen on the same port; the system distributes connections. */
  readonly reusePort?: boolean | undefined
  readonly tls: TlsServerOptions | undefined
  /**
   * Demands a header of the PROXY protocol at the start of each connection, and says whether a peer may send one.
   * @param address undefined for the peer of a Unix socket
   */
  readonly proxyProtocol?: ((address: string | undefined) => boolean) | undefined
}

/** A server's identity: certificate and key as PEM text or bytes, or both as PKCS #12. */
export type TlsServerOptions = (PemIdentity | Pkcs12Identity) & {
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Decrypts the key or the file. No error repeats it. */
  readonly passphrase?: string
}

interface PemIdentity {
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
  readonly pfx?: undefined
}

interface Pkcs12Identity {
  readonly pfx: string | Uint8Array
  readonly cert?: undefined
  readonly key?: undefined
}

/** The reasons to drop a connection that has no request yet. */
export type DropReason = 'proxyNotTrusted' | 'proxyHeaderInvalid' | 'handshakeTimeoutMs'

export interface HttpHandler {
  /**
   * A request offers WebSocket in its Upgrade field. The handler owns the transport, which is not started. Bytes behind
   * the head wait in it.
   */
  upgrade(head: RequestHead, transport: Transport, handed?: HandedUpgrade): void
  /** Any other request arrived. Offers of other protocols are ignored, RFC 9110 §7.8. */
  request(head: RequestHead, peer: TransportPeer): HttpResponse | Promise<HttpResponse>
  /**
   * The host answered a request itself: its head was malformed (400), too long (431) or too slow (408), or there was no
   * capacity (503).
   */
  refused(answer: HttpResponse, peer: TransportPeer): void
  /**
   * The host dropped a connection before a request could be read: it did not come from a proxy whose word counts, or it has
   * no header of the PROXY protocol.
   */
  dropped(reason: DropReason, peer: TransportPeer): void
  /** The host answered a plain request with 503 because of a limit. */
  limited(limit: 'maxRequests' | 'requestTimeoutMs', peer: TransportPeer): void
  /**
   * Connections can't be accepted for now, for example for lack of descriptors; reported at most once a minute. Or the
   * answer of `request` can't be sent, and its client got a 500. The listener continues.
   */
  failed(error: Error): void
}

/** A function in the style of connect: `(request, response, next)`, with an error before them where it takes four. */
export type MiddlewareFunction = (...args: never[]) => unknown

/** An upgrade whose request the HTTP server of an app has parsed. */
export interface HandedUpgrade {
  /** The request as that server has it. */
  readonly nodeRequest: object
  /** The address on which that server listens; '' if it is not known. */
  readonly listensOn: string
  /**
   * Runs middleware, in order.
   * @param failed told of an error that a function passes to `next` after it has called it before
   */
  runMiddleware(functions: readonly MiddlewareFunction[], failed: (error: unknown) => void): MiddlewareRun
}

/** The middleware of one upgrade, with the response that its functions share. */
export interface MiddlewareRun {
  /**
   * Resolves to undefined once all functions have called `next`, or to the response that one of them has ended. Rejects
   * with the error that one has thrown or passed to `next`.
   */
  readonly done: Promise<HttpResponse | undefined>
  /**
   * Ends the response with this status, and resolves to it once the functions that wait for its end let it pass. The
   * status is another one if a function has chosen it first.
   */
  finish(status: number): Promise<HttpResponse>
  /** The function that has not called `next` yet, or 'end' if functions that wait for the end of the response hold it back. */
  readonly waitsFor: { readonly index: number; readonly name: string } | 'end' | undefined
  /** Emits `close` of the response: the peer has left, or the time is up. */
  abandon(): void
}

/** An 'upgrade' event of an app's HTTP server, as the app passes it on. */
export interface UpgradeEvent {
  readonly request: unknown
  readonly stream: unknown
  /** The bytes behind the request's head. */
  readonly head: unknown
}

/** Takes upgrades that an app passes on. */
export interface UpgradeTaker {
  /**
   * Gives the upgrade to `upgrade` of the handler, in its turn behind earlier responses, or refuses it and calls `refused`.
   * Calls `gone` once the connection has ended. Throws a UsageError for values that are no upgrade, or one that is taken.
   */
  take(event: UpgradeEvent, limits: RequestLimits, handler: HttpHandler, gone: () => void): void
  /**
   * Takes it only if it is a handshake that `wants` takes. Another one is left to the other listeners of the event, and
   * is answered 404 if there are none, or if none of them uses it in time. An upgrade that is taken is left alone.
   */
  takeIf(wants: UpgradeRouteOptions['wants'], event: UpgradeEvent, limits: RequestLimits, handler: HttpHandler): void
}

/** The address of a listener. */
export interface ListenAddress {
  /** The port, chosen by the system if 0 was requested; 0 if there is none. */
  readonly port: number
  /** The address, '' if there is none. */
  readonly address: string
  /** The absolute path of the Unix socket, if it is one. */
  readonly socketPath?: string | undefined
}

export interface HttpListener extends ListenAddress {
  /** Whether connections use TLS. */
  readonly encrypted: boolean
  /** The path of the connections' bytes, if it depends on the listener. */
  readonly path?: TransportPath | undefined
  /**
   * Stops listening: accepts the connections that wait at the address, and no more. Accepted connections go on. Resolves
   * when each of them has become a WebSocket, was answered, or is gone, which `close` makes true at once.
   */
  leave(): Promise<void>
  /** Stops accepting and drops connections that are not WebSockets. Resolves when the address is free. */
  close(): Promise<void>
}

/** Options for attaching to another program's server. */
export interface AttachOptions extends RequestLimits {
  readonly route: UpgradeRouteOptions
}

/** The upgrades that an attachment handles. */
export interface UpgradeRouteOptions {
  /** The attachment that is lower, compared number by number, gets an upgrade that two of them want. */
  readonly order: readonly number[]
  /** Two attachments of one server with the same key exclude each other. */
  readonly key: string | undefined
  /** How an error names the route. */
  readonly name: string
  wants(head: RequestHead, peer: TransportPeer): boolean
}

/**
 * Handles the upgrades of a path on an HTTP server of the application's own, which continues after `close`. Calls only
 * `upgrade` and `refused` of the handler. Throws a UsageError if the path is attached already.
 */
export type HttpAttach = (options: AttachOptions, handler: HttpHandler) => HttpListener
