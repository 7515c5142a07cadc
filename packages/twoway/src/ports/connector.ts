import type { Transport } from './transport.js'

/** Opens transports to servers. */
export interface Connector {
  /**
   * Returns at once; what is written before the connection stands waits. A failure (a refused connection, an unknown
   * name, a certificate that does not verify, a proxy that refuses) is reported to the sink's `closed` with its error.
   * `destroy` ends it at every stage.
   */
  connect(target: ConnectTarget): Transport
}

export interface ConnectTarget {
  /** A name or an IP address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
  readonly tls: TlsClientOptions | undefined
  /** The path of a Unix socket to connect to, in place of host and port. It is reached by no proxy. */
  readonly socketPath?: string | undefined
  /** What to go through; nothing by default. */
  readonly proxy?: ProxyOptions | undefined
  /** Told what is waited for, in words that go on from "while", and undefined once the connection stands. */
  readonly progress?: ((stage: string | undefined) => void) | undefined
}

export interface ProxyOptions {
  /**
   * `http:`, `https:` (CONNECT, RFC 9110 §9.3.6), `socks5:` or `socks5h:` (RFC 1928, the latter has the proxy look names
   * up), with user and password where it asks for them; or 'env' for what the environment says of the target.
   */
  readonly url: string
  /** Authorities that vouch for an `https:` proxy. */
  readonly ca?: TlsClientOptions['ca']
}

/** How a server's identity is checked, and the client's own. PEM text or bytes. */
export interface TlsClientOptions {
  /** The authorities to trust, in place of the system's. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  /** The client's own certificate, and those between it and an authority. */
  readonly cert?: string | Uint8Array | undefined
  /** The private key of `cert`. */
  readonly key?: string | Uint8Array | undefined
  /** The name that is asked for and that the certificate must carry; the host by default. */
  readonly servername?: string | undefined
  /** False takes any certificate. True by default. */
  readonly rejectUnauthorized?: boolean | undefined
}
