import type { MemoryBudget } from './memory-budget.js'
import type { Transport, TransportPeer } from './transport.js'

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

export interface HttpHandler {
  /**
   * A request offers WebSocket in its Upgrade field. The handler owns the transport, which is not started. Bytes behind
   * the head wait in it.
   */
  upgrade(head: RequestHead, transport: Transport): void
  /** Any other request arrived. Offers of other protocols are ignored, RFC 9110 §7.8. */
  request(head: RequestHead, peer: TransportPeer): HttpResponse | Promise<HttpResponse>
  /**
   * The host answered a request itself: its head was malformed (400), too long (431) or too slow (408), or there was no
   * capacity (503).
   */
  refused(status: number, peer: TransportPeer): void
  /** The host answered a plain request with 503 because of a limit. */
  limited(limit: 'maxRequests' | 'requestTimeoutMs', peer: TransportPeer): void
  /**
   * Connections can't be accepted for now, for example for lack of descriptors; reported at most once a minute. Or the
   * answer of `request` can't be sent, and its client got a 500. The listener continues.
   */
  failed(error: Error): void
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
  /**
   * Stops listening: accepts the connections that wait at the address, and no more. Those that were accepted go on. Resolves
   * when each of them has become a WebSocket, was answered, or is gone, which `close` makes true at once.
   */
  leave(): Promise<void>
  /** Stops accepting and drops connections that are not WebSockets. Resolves when the address is free. */
  close(): Promise<void>
}

/** Options for attaching to another program's server. */
export interface AttachOptions extends RequestLimits {
  /** The path to handle, or a predicate; undefined handles all requests. */
  readonly path: string | ((head: RequestHead, peer: TransportPeer) => boolean) | undefined
}

/**
 * Handles the upgrades of a path on an HTTP server of the application's own, which continues after `close`. Calls only
 * `upgrade` and `refused` of the handler. Throws a UsageError if the path is attached already.
 */
export type HttpAttach = (options: AttachOptions, handler: HttpHandler) => HttpListener
