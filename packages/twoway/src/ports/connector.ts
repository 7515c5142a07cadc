import type { HeadLimits } from './http-host.js'
import type { Transport } from './transport.js'

/** Opens transports to servers. */
export interface Connector {
  /**
   * Returns at once. Bytes written before the connection is established are queued. Failures (a refused connection, an
   * unknown name, an invalid certificate, a refusing proxy) go to the sink's `closed` with their error. `destroy` works
   * at every stage.
   */
  connect(target: ConnectTarget): Transport
}

export interface ConnectTarget {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
  readonly tls: TlsClientOptions | undefined
  /** The path of a Unix socket, replacing host and port. Not reached through proxies. */
  readonly socketPath?: string | undefined
  /** The local address and name lookup. They also apply to the connection to a proxy. */
  readonly local?: LocalOptions | undefined
  /** Creates the connection instead of the runtime. `proxy` is undefined then. */
  readonly createConnection?: CreateConnection | undefined
  /** The proxy; none by default. */
  readonly proxy?: ProxyOptions | undefined
  /**
   * Called with the current stage, as a phrase to follow "while", and with undefined once the connection is
   * established.
   */
  readonly progress?: ((stage: string | undefined) => void) | undefined
}

export interface ProxyOptions {
  /**
   * `http:`, `https:` (CONNECT, RFC 9110 §9.3.6), `socks5:` or `socks5h:` (RFC 1928; with the latter, the proxy looks
   * names up), with user and password if needed; or 'env' for the environment's proxy for the target.
   */
  readonly url: string
  /** Authorities to trust for an `https:` proxy. The only TLS option that applies to a proxy. */
  readonly ca?: TlsClientOptions['ca']
  /** Limits for the head of a proxy's answer; by default those for a server's. */
  readonly limits?: HeadLimits
}

/** PEM text or its bytes. */
export type Pem = string | Uint8Array

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/** TLS options for checking the server and identifying the client, as in Node's `tls.connect`. */
export interface TlsClientOptions {
  /** Trusted authorities, replacing the system's. */
  readonly ca?: Pem | readonly Pem[] | undefined
  /** The client's certificate, with intermediate certificates. */
  readonly cert?: Pem | readonly Pem[] | undefined
  /** The private key of `cert`; a list for several certificates. */
  readonly key?: Pem | readonly (Pem | EncryptedKey)[] | undefined
  /** Decrypts `key` and `pfx`. No error repeats it. */
  readonly passphrase?: string | undefined
  /** The client's certificate and key as PKCS #12, replacing `cert` and `key`. Bytes, or a list of them. */
  readonly pfx?: Pem | readonly (Pem | EncryptedPfx)[] | undefined
  /** The server name to request (SNI) and to check the certificate against; the host by default. */
  readonly servername?: string | undefined
  /** Whether to refuse invalid certificates; true by default. */
  readonly rejectUnauthorized?: boolean | undefined
  /**
   * Replaces the check of the certificate's names: returns undefined, or the error to fail with. Called only if the
   * certificate's authority is trusted.
   */
  readonly checkServerIdentity?: Callables['checkServerIdentity'] | undefined
  /** The lowest TLS version; the runtime's default is TLSv1.2. */
  readonly minVersion?: TlsVersion | undefined
  /** The highest TLS version; the runtime's default is TLSv1.3. */
  readonly maxVersion?: TlsVersion | undefined
  /** Cipher suites in OpenSSL's format, separated by colons; the runtime's own by default. */
  readonly ciphers?: string | undefined
}

/** One of several keys, with its own passphrase. */
export interface EncryptedKey {
  readonly pem: Pem
  readonly passphrase?: string | undefined
}

/** One of several PKCS #12 files, with its own passphrase. */
export interface EncryptedPfx {
  readonly buf: Pem
  readonly passphrase?: string | undefined
}

/** Method syntax makes parameters bivariant, so that a caller's function may declare Node's more specific types. */
interface Callables {
  checkServerIdentity(host: string, certificate: PeerCertificate): Error | undefined
  lookup(hostname: string, options: LookupOptions, callback: LookupCallback): void
  createConnection(
    options: CreateConnectionOptions,
    callback: (error?: Error | null, stream?: DuplexStream) => void,
    // biome-ignore lint/suspicious/noConfusingVoidType: a function that calls back and returns nothing is taken too
  ): DuplexStream | PromiseLike<DuplexStream> | undefined | void
}

/** The properties of a server's certificate that Node, Bun and Deno all provide. */
export interface PeerCertificate {
  readonly subject: object
  readonly issuer: object
  /** The certificate's names, such as `DNS:example.com, IP Address:127.0.0.1`. */
  readonly subjectaltname?: string | undefined
  readonly valid_from: string
  readonly valid_to: string
  /** SHA-256 of the certificate in hexadecimal, separated by colons. */
  readonly fingerprint256: string
  /** The certificate in DER. */
  readonly raw: Uint8Array
}

/** The local side of a connection and the lookup of names, as in Node's `net.connect`. */
export interface LocalOptions {
  /** Looks names up instead of the system. Takes the arguments of Node's `dns.lookup`. */
  readonly lookup?: Callables['lookup'] | undefined
  /** 4 or 6 to use only that version of IP. By default, the first that connects. */
  readonly family?: 0 | 4 | 6 | undefined
  /** The local IP address; by default the system chooses. */
  readonly localAddress?: string | undefined
  /** The local port, 1 to 65535; by default the system chooses. */
  readonly localPort?: number | undefined
}

export interface LookupOptions {
  readonly family?: number | 'IPv4' | 'IPv6' | undefined
  readonly hints?: number | undefined
  /** Whether to return a list of all addresses. */
  readonly all?: boolean | undefined
}

/** Takes an address and its family, 4 or 6, or a list of them. */
export type LookupCallback = (
  error: Error | null,
  address: string | { address: string; family: number }[],
  family?: number,
) => void

/**
 * Creates the connection to a server: returns a duplex stream or a promise of one, or returns nothing and calls back.
 * An `encrypted` stream, such as a TLSSocket, is used as it is; over others, TLS is added if the URL requires it.
 */
export type CreateConnection = Callables['createConnection']

/** Options as `net.connect` and `tls.connect` take them: the target, and the client's TLS and local options. */
export interface CreateConnectionOptions extends LocalOptions, TlsClientOptions {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** The path of the Unix socket if the URL names one, replacing host and port. */
  readonly path?: string
  /** `['http/1.1']` for wss. */
  readonly ALPNProtocols?: string[]
}

/** The members that identify Node's Duplex. */
export interface DuplexStream {
  write(bytes: Uint8Array): boolean
  pause(): unknown
  resume(): unknown
  destroy(error?: Error): unknown
}
