/** What is said to a proxy until it has opened the way. Bytes in, bytes out: knows no socket. */
export interface ProxyDialogue {
  /** Whether the way is open. */
  readonly isDone: boolean
  /**
   * Reads up to the end of what the proxy says and returns the bytes read; those behind are the server's. Keeps no
   * reference. A TransportError says in words why the proxy refused, or what it said against the rules.
   */
  receive(bytes: Uint8Array, start: number, end: number): number
}

/** Where a proxy is to lead. */
export interface ProxyTarget {
  /** A name or an IP address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
}
