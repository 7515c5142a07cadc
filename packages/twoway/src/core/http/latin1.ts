// A call takes its arguments on the stack, which a long head must not exhaust.
const charactersPerCall = 4096

/** The text of bytes that each stand for the character of the same number, as a head's bytes do, RFC 9110 §5.5. */
export function decodeLatin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= charactersPerCall) return decodePiece(bytes, start, end)
  return decodePiece(bytes, start, start + charactersPerCall) + decodeLatin1(bytes, start + charactersPerCall, end)
}

function decodePiece(bytes: Uint8Array, start: number, end: number): string {
  // `apply` to a plain view takes a third of the time of spreading it (0.3 us for a line).
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)
  return String.fromCharCode.apply(null, view as unknown as number[])
}

/** The bytes of a text that has no character above U+00FF. */
export function encodeLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}
