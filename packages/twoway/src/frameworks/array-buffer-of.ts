/** Bytes as an ArrayBuffer, which holds nothing else. */
export function arrayBufferOf({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  const whole = buffer as ArrayBuffer
  return byteLength === whole.byteLength ? whole : whole.slice(byteOffset, byteOffset + byteLength)
}
