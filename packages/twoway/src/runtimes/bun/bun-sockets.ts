/*
 * The parts of Bun's API that this room uses, as Bun 1.4 has them. Bun has no types among our dependencies, and a program
 * that uses the library needs none.
 */

/** A socket of Bun.listen or Bun.connect. It buffers nothing: `write` takes what the kernel takes. */
export interface BunSocket<Data> {
  data: Data
  /** Undefined for a Unix socket, and for a peer that has reset before the first call. */
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  /** The number of bytes that were taken, or -1 if the socket is closed. */
  write(bytes: Uint8Array, start?: number, length?: number): number
  /** Ends the sending side. */
  shutdown(): void
  /** Closes with a reset. */
  terminate(): void
  /** Closes with an end. */
  close(): void
  pause(): void
  resume(): void
}

export interface BunSocketEvents<Data> {
  readonly binaryType: 'uint8array'
  open?(socket: BunSocket<Data>): void
  /** The bytes are the receiver's own. */
  data(socket: BunSocket<Data>, bytes: Uint8Array): void
  drain(socket: BunSocket<Data>): void
  end(socket: BunSocket<Data>): void
  close(socket: BunSocket<Data>, error?: Error): void
  error(socket: BunSocket<Data>, error: Error): void
  handshake?(socket: BunSocket<Data>, success: boolean, error: (Error & { readonly code?: string }) | null): void
  connectError?(socket: BunSocket<Data>, error: Error): void
}

type Address =
  | { readonly hostname: string; readonly port: number; readonly reusePort?: boolean }
  | { readonly unix: string }

interface SocketOptions<Data> {
  readonly allowHalfOpen: true
  readonly socket: BunSocketEvents<Data>
}

export interface BunListener {
  readonly port?: number
  readonly hostname?: string
  /** Stops accepting. Connections go on. */
  stop(): void
}

/** The global object `Bun`. */
export interface BunApi {
  readonly dns: { lookup(host: string): Promise<readonly { readonly address: string }[]> }
  listen<Data>(options: Address & SocketOptions<Data> & { readonly tls?: object }): BunListener
  connect<Data>(
    options: Address & SocketOptions<Data> & { readonly data: Data; readonly tls?: object },
  ): Promise<unknown>
}

/** The list of one protocol as TLS encodes it, RFC 7301 §3.1. */
export const http11Alpn = Uint8Array.from([8, ...[...'http/1.1'].map((character) => character.charCodeAt(0))])

/** Bun's API if this is Bun. */
export function bunApi(): BunApi | undefined {
  const { Bun } = globalThis as { readonly Bun?: Partial<BunApi> }
  if (typeof Bun?.listen !== 'function' || typeof Bun.connect !== 'function') return undefined
  return typeof Bun.dns?.lookup === 'function' ? (Bun as BunApi) : undefined
}
