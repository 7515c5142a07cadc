/** Random numbers from a cryptographic source (RFC 6455 §5.3, §10.3). */
export interface Random {
  /** A new 32-bit masking key. */
  maskingKey(): number
  /** New random bytes, which the caller owns. */
  bytes(length: number): Uint8Array
}
