/* The parts of Deno's API that this room uses, as Deno 2.9 has them. */

export interface DenoConnection {
  readonly remoteAddr: { readonly hostname: string; readonly port: number }
  /** Resolves to the number of bytes read, or to null at the peer's end. */
  read(bytes: Uint8Array): Promise<number | null>
  /** Resolves to the number of bytes that were taken. */
  write(bytes: Uint8Array): Promise<number>
  /** Ends the sending side. */
  closeWrite(): Promise<void>
  close(): void
}

export interface DenoTcpConnection extends DenoConnection {
  setNoDelay(on: boolean): void
}

export interface DenoTlsConnection extends DenoConnection {
  handshake(): Promise<unknown>
}

export interface DenoTlsListener {
  readonly addr: { readonly hostname: string; readonly port: number }
  accept(): Promise<DenoTlsConnection>
  close(): void
}

/** The global object `Deno`. */
export interface DenoApi {
  listenTls(options: {
    readonly hostname: string
    readonly port: number
    readonly cert: string
    readonly key: string
    readonly alpnProtocols: readonly string[]
  }): DenoTlsListener
  connect(options: { readonly hostname: string; readonly port: number }): Promise<DenoTcpConnection>
  startTls(
    connection: DenoTcpConnection,
    options: { readonly hostname: string; readonly alpnProtocols: readonly string[] },
  ): Promise<DenoTlsConnection>
}

/** Deno's API if this is Deno. */
export function denoApi(): DenoApi | undefined {
  const { Deno } = globalThis as { readonly Deno?: Partial<DenoApi> }
  const isKnown = [Deno?.listenTls, Deno?.connect, Deno?.startTls].every((each) => typeof each === 'function')
  return isKnown ? (Deno as DenoApi) : undefined
}
