/** The exchange with a proxy until it has opened the tunnel. Bytes in, bytes out: it has no socket. */
export interface ProxyDialogue {
  /** Whether the tunnel is open. */
  readonly isDone: boolean
  /**
   * Reads up to the end of the proxy's answer and returns the number of bytes read; the bytes behind them are the server's.
   * Keeps no reference. Throws a TransportError if the proxy refuses or breaks a rule.
   */
  receive(bytes: Uint8Array, start: number, end: number): number
}

/** The destination of a tunnel. */
export interface ProxyTarget {
  /** A name or an IP address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
}
