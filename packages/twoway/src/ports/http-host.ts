import type { MemoryBudget } from './memory-budget.js'
import type { Transport, TransportPeer } from './transport.js'

/** The head of a request as it stood on the wire, RFC 9112 §3 and §5. */
export interface RequestHead {
  readonly method: string
  /** The request-target, not decoded. */
  readonly target: string
  /** `1.1`, say. */
  readonly version: string
  /** Field names and values in turn, in their order, values without surrounding white space. */
  readonly fields: readonly string[]
}

/** The head of a response as it stood on the wire, RFC 9112 §4 and §5. */
export interface ResponseHead {
  readonly version: string
  readonly status: number
  readonly reason: string
  /** Field names and values in turn, in their order, values without surrounding white space. */
  readonly fields: readonly string[]
}

/** An answer to a plain request, or to a handshake that is refused. */
export interface HttpResponse {
  readonly status: number
  /** Field names and values in turn. Content-Length is added by whoever writes the answer. */
  readonly fields: readonly string[]
  readonly body: Uint8Array | string
}

/** Where handshakes come from: an HTTP/1.1 server of the runtime's. */
export interface HttpHost {
  /**
   * Rejects with the system's error where the address can't be had, with a UsageError where the runtime has no such
   * way to listen.
   */
  listen(options: ListenOptions, handler: HttpHandler): Promise<HttpListener>
}

/** How long a head may be. */
export interface HeadLimits {
  /** Octets of a head, at most. */
  readonly maxHeadBytes: number
  /** Header fields of a head, at most. */
  readonly maxHeaderFields: number
}

/** What a request must keep to. */
export interface RequestLimits extends HeadLimits {
  /** Where heads are counted of which the rest has not come; they are not counted where it is left out. */
  readonly receiveBudget?: MemoryBudget | undefined
  /** Milliseconds within which a request's head must have arrived. */
  readonly handshakeTimeoutMs: number
}

/** What a host keeps that answers plain requests, besides. */
export interface ExchangeLimits extends RequestLimits {
  /** Requests that wait for their answer, at most; more are answered 503. Connections that were answered and are open yet, at most. */
  readonly maxRequests: number
  /** Milliseconds within which the handler must have answered a request; then it is answered 503. */
  readonly requestTimeoutMs: number
}

export interface ListenOptions extends ExchangeLimits {
  readonly port: number
  /** A name or an IP address. */
  readonly host: string
  /** A Unix socket's path, in place of port and host. */
  readonly socketPath?: string | undefined
  /** What listens already, in place of port and host: whatever the runtime takes for it. */
  readonly handle?: object | undefined
  /** Connections that may wait to be accepted. */
  readonly backlog?: number | undefined
  /** Lets other processes listen on the same port; the system shares connections out. */
  readonly reusePort?: boolean | undefined
  readonly tls: TlsServerOptions | undefined
}

/** A server's identity, as certificate and key in PEM text or bytes, or as a PKCS #12 file of both. */
export type TlsServerOptions = (PemIdentity | Pkcs12Identity) & {
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** What decrypts the key or the file. No error repeats it. */
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
   * A request came that offers WebSocket in its Upgrade field. The transport is the handler's own from here on, not
   * started; what came behind the request's head waits in it.
   */
  upgrade(head: RequestHead, transport: Transport): void
  /** Any other request came; an offer of another protocol is ignored, RFC 9110 §7.8. */
  request(head: RequestHead, peer: TransportPeer): HttpResponse | Promise<HttpResponse>
  /** A request was answered that can't be handed on: its head is malformed (400), too long (431) too slow (408), or there is no room for it (503). */
  refused(status: number, peer: TransportPeer): void
  /** A limit had a request of `request` answered 503. */
  limited(limit: 'maxRequests' | 'requestTimeoutMs', peer: TransportPeer): void
  /**
   * Peers can't be taken for now, for want of descriptors say, told once a minute at most; or an answer of `request`
   * can't be sent, and its client got a 500. The listener goes on.
   */
  failed(error: Error): void
}

/** Where a listener is reached. */
export interface ListenAddress {
  /** The port that was given by the system where 0 was asked for; 0 where there is none. */
  readonly port: number
  /** The address listened on, '' where there is none. */
  readonly address: string
  /** The absolute path of the Unix socket listened on, if it is one. */
  readonly socketPath?: string | undefined
}

export interface HttpListener extends ListenAddress {
  /** Whether what is taken comes over TLS. */
  readonly encrypted: boolean
  /** Takes no more connections and drops those that are no WebSockets; resolves when the address is free. */
  close(): Promise<void>
}

/** What an attachment takes of a server that others have too. */
export interface AttachOptions extends RequestLimits {
  /** The path of a request-target, or whether a request is wanted; all where undefined. */
  readonly path: string | ((head: RequestHead, peer: TransportPeer) => boolean) | undefined
}

/**
 * Takes the upgrades of a path from an HTTP server that is not ours, which goes on without us after `close`.
 * Of the handler, only `upgrade` and `refused` are called. A UsageError where another attachment has the path.
 */
export type HttpAttach = (options: AttachOptions, handler: HttpHandler) => HttpListener
