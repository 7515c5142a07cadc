/** The order for the process with the servers, as JSON. */
export interface ServerOrder {
  readonly certificate: string
  readonly key: string
  /** The path for a Unix socket. */
  readonly folder: string
}

/** The addresses of the servers on the runtime under test, see server-process.ts. */
export interface ServerAddresses {
  readonly url: string
  readonly secureUrl: string
  readonly certificate: string
  readonly unixUrl: string
  /** Servers that read the PROXY protocol, without TLS and with it. */
  readonly announcedUrls: readonly string[]
  /** A server with small limits. */
  readonly narrowUrl: string
  /** A server that negotiates compression with context takeover. */
  readonly takeoverUrl: string
  /** A server that starts and stops further servers. */
  readonly controlUrl: string
  /** HTTP servers with attachments and ws. In the first one ws was attached first. */
  readonly appUrls: readonly string[]
  /** An HTTP server with only an attachment. */
  readonly aloneUrl: string
}

/** A behaviour of the server that is the same on every runtime. */
export interface ServerCase {
  readonly name: string
  run(addresses: ServerAddresses): Promise<void>
}
