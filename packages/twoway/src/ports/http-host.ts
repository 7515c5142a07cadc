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
  /** Rejects with the system's error where the address can't be had. */
  listen(options: ListenOptions, handler: HttpHandler): Promise<HttpListener>
}

export interface ListenOptions {
  readonly port: number
  /** A name or an IP address. */
  readonly host: string
  readonly tls: TlsServerOptions | undefined
  /** Milliseconds within which a request's head must have arrived. */
  readonly handshakeTimeoutMs: number
  /** Octets of a request's head, at most. */
  readonly maxHeadBytes: number
  /** Header fields of a request, at most. */
  readonly maxHeaderFields: number
}

/** A server's identity. PEM text or bytes. */
export interface TlsServerOptions {
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  readonly passphrase?: string
}

export interface HttpHandler {
  /**
   * A request with an Upgrade field came. The transport is the handler's own from here on, not started;
   * what came behind the request's head waits in it.
   */
  upgrade(head: RequestHead, transport: Transport): void
  /** A request without one came. */
  request(head: RequestHead, peer: TransportPeer): HttpResponse | Promise<HttpResponse>
  /** Peers can't be taken for now, for want of descriptors say. The listener goes on; told once a minute at most. */
  failed(error: Error): void
}

export interface HttpListener {
  /** The port that was given by the system where 0 was asked for. */
  readonly port: number
  /** The address listened on. */
  readonly address: string
  /** Takes no more connections and drops those that are no WebSockets; resolves when the address is free. */
  close(): Promise<void>
}
