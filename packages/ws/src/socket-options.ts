/** The options of a connection after its handshake, on a client and on a server. */
export interface SocketOptions {
  readonly generateMask?: ((mask: Buffer) => void) | undefined
  readonly maxPayload?: number | undefined
  readonly skipUTF8Validation?: boolean | undefined
  readonly safe?: boolean | undefined
}
