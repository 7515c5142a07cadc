/** FIN in a frame's first byte: the last frame of a message, RFC 6455 §5.2. */
export const finBit = 0x80

/** The length of a frame's header in bytes, RFC 6455 §5.2. */
export function frameHeaderSize(payloadLength: number, masked: boolean): number {
  return (payloadLength < 126 ? 2 : payloadLength < 2 ** 16 ? 4 : 10) + (masked ? 4 : 0)
}

/**
 * Writes a frame's header to `target` from `at` on, with the length in its shortest form (§5.2). Returns where the
 * payload begins.
 *
 * @param first the header's first byte: FIN, the reserved bits, the opcode
 * @param maskingKey 32 bits, as in the payload port; undefined for an unmasked frame
 */
export function writeFrameHeader(
  target: Uint8Array,
  at: number,
  first: number,
  payloadLength: number,
  maskingKey: number | undefined,
): number {
  const maskBit = maskingKey === undefined ? 0 : 0x80
  target[at++] = first
  if (payloadLength < 126) {
    target[at++] = maskBit | payloadLength
  } else if (payloadLength < 2 ** 16) {
    target[at++] = maskBit | 126
    target[at++] = payloadLength >> 8
    target[at++] = payloadLength
  } else {
    target[at++] = maskBit | 127
    at = writeUint32(target, at, Math.floor(payloadLength / 2 ** 32))
    at = writeUint32(target, at, payloadLength)
  }
  if (maskingKey === undefined) return at
  target[at++] = maskingKey
  target[at++] = maskingKey >> 8
  target[at++] = maskingKey >> 16
  target[at++] = maskingKey >> 24
  return at
}

/** Big-endian. Storing in a Uint8Array keeps the lowest eight bits. */
function writeUint32(target: Uint8Array, at: number, value: number): number {
  target[at++] = value >>> 24
  target[at++] = value >>> 16
  target[at++] = value >>> 8
  target[at++] = value
  return at
}
