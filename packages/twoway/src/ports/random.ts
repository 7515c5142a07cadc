/** Unpredictable numbers, from a cryptographic source (RFC 6455 §5.3, §10.3). */
export interface Random {
  /** A fresh 32-bit masking key. */
  maskingKey(): number
  /** Fresh bytes, the caller's own. */
  bytes(length: number): Uint8Array
}
