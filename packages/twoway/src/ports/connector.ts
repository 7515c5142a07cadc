import type { Transport } from './transport.js'

/** Opens transports to servers. */
export interface Connector {
  /**
   * Returns at once; what is written before the connection stands waits. A failure (a refused connection,
   * an unknown name, a certificate that does not verify) is reported to the sink's `closed` with its error.
   */
  connect(target: ConnectTarget): Transport
}

export interface ConnectTarget {
  /** A name or an IP address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
  readonly tls: TlsClientOptions | undefined
}

/** How a server's identity is checked, and the client's own. PEM text or bytes. */
export interface TlsClientOptions {
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  readonly cert?: string | Uint8Array | undefined
  readonly key?: string | Uint8Array | undefined
  /** The name that is asked for and that the certificate must carry; the host by default. */
  readonly servername?: string | undefined
  /** False takes any certificate. True by default. */
  readonly rejectUnauthorized?: boolean | undefined
}
