import type { HeadLimits } from './http-host.js'
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
  /** Where the connection comes from, and how names are looked up. They hold for the way to a proxy too. */
  readonly local?: LocalOptions | undefined
  /** Makes the connection in place of the runtime. `proxy` is undefined then. */
  readonly createConnection?: CreateConnection | undefined
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
  /** Authorities that vouch for an `https:` proxy. Of the options of TLS, it is the only one that holds for a proxy. */
  readonly ca?: TlsClientOptions['ca']
  /** How long the head of a proxy's answer may be; by default as long as that of a server's. */
  readonly limits?: HeadLimits
}

/** PEM text or its bytes. */
export type Pem = string | Uint8Array

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/** How a server's identity is checked, and the client's own. As in Node's `tls.connect`. */
export interface TlsClientOptions {
  /** The authorities to trust, in place of the system's. */
  readonly ca?: Pem | readonly Pem[] | undefined
  /** The client's own certificate, and those between it and an authority. */
  readonly cert?: Pem | readonly Pem[] | undefined
  /** The private key of `cert`, or several for several certificates. */
  readonly key?: Pem | readonly (Pem | EncryptedKey)[] | undefined
  /** What decrypts `key` and `pfx` where they are encrypted. No error repeats it. */
  readonly passphrase?: string | undefined
  /** The client's certificate and key in one file, PKCS #12, in place of `cert` and `key`. Bytes, or a list of them. */
  readonly pfx?: Pem | readonly (Pem | EncryptedPfx)[] | undefined
  /** The name that is asked for and that the certificate must carry; the host by default. */
  readonly servername?: string | undefined
  /** False takes any certificate. True by default. */
  readonly rejectUnauthorized?: boolean | undefined
  /**
   * Checks that a certificate is the host's, in place of the check by its names: returns undefined, or the error with
   * which the connection fails. Only called for a certificate whose authority is trusted.
   */
  readonly checkServerIdentity?: Callables['checkServerIdentity'] | undefined
  /** The lowest version of TLS to speak; the runtime's default is TLSv1.2. */
  readonly minVersion?: TlsVersion | undefined
  /** The highest version of TLS to speak; the runtime's default is TLSv1.3. */
  readonly maxVersion?: TlsVersion | undefined
  /** The cipher suites to offer, as OpenSSL writes them: names with colons between. The runtime's own by default. */
  readonly ciphers?: string | undefined
}

/** One of several keys, with the passphrase that is its own. */
export interface EncryptedKey {
  readonly pem: Pem
  readonly passphrase?: string | undefined
}

/** One of several PKCS #12 files, with the passphrase that is its own. */
export interface EncryptedPfx {
  readonly buf: Pem
  readonly passphrase?: string | undefined
}

/** As methods, since a caller's function may ask for Node's own types, which say more. */
interface Callables {
  checkServerIdentity(host: string, certificate: PeerCertificate): Error | undefined
  lookup(hostname: string, options: LookupOptions, callback: LookupCallback): void
  createConnection(
    options: CreateConnectionOptions,
    callback: (error?: Error | null, stream?: DuplexStream) => void,
    // biome-ignore lint/suspicious/noConfusingVoidType: a function that calls back and returns nothing is taken too
  ): DuplexStream | PromiseLike<DuplexStream> | undefined | void
}

/** The part of a server's certificate that Node, Bun and Deno all tell of. */
export interface PeerCertificate {
  readonly subject: object
  readonly issuer: object
  /** The names that it is for, such as `DNS:example.com, IP Address:127.0.0.1`. */
  readonly subjectaltname?: string | undefined
  readonly valid_from: string
  readonly valid_to: string
  /** SHA-256 of the certificate, in hexadecimal with colons between. */
  readonly fingerprint256: string
  /** The certificate itself, DER. */
  readonly raw: Uint8Array
}

/** Where a connection comes from, and how names are looked up. As in Node's `net.connect`. */
export interface LocalOptions {
  /** Looks a name up in place of the system. It has the arguments of Node's `dns.lookup`. */
  readonly lookup?: Callables['lookup'] | undefined
  /** 4 or 6 to connect by that version of IP only. By default whichever answers first. */
  readonly family?: 0 | 4 | 6 | undefined
  /** The local IP address to connect from. The system chooses by default. */
  readonly localAddress?: string | undefined
  /** The local port to connect from, 1 to 65535. The system chooses by default. */
  readonly localPort?: number | undefined
}

export interface LookupOptions {
  readonly family?: number | 'IPv4' | 'IPv6' | undefined
  readonly hints?: number | undefined
  /** Whether a list of all addresses is asked for. */
  readonly all?: boolean | undefined
}

/** Takes the address and its family, 4 or 6; or a list of them. */
export type LookupCallback = (
  error: Error | null,
  address: string | { address: string; family: number }[],
  family?: number,
) => void

/**
 * Makes the connection to a server. Returns a duplex stream or a promise of one, or returns nothing and calls back. A stream
 * that is `encrypted`, as a TLSSocket is, is used as it is; over any other, TLS is spoken where the URL asks for it.
 */
export type CreateConnection = Callables['createConnection']

/** What `net.connect` and `tls.connect` take: the target, and what the client was given of TLS and the local side. */
export interface CreateConnectionOptions extends LocalOptions, TlsClientOptions {
  /** A name or an IP address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** The path of the Unix socket, where the URL names one; it stands for host and port. */
  readonly path?: string
  /** `['http/1.1']` for wss. */
  readonly ALPNProtocols?: string[]
}

/** The members of Node's Duplex that tell it from other objects. */
export interface DuplexStream {
  write(bytes: Uint8Array): boolean
  pause(): unknown
  resume(): unknown
  destroy(error?: Error): unknown
}
