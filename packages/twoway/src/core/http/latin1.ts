// The arguments of a call are on the stack, which a long head must not exhaust.
const charactersPerCall = 4096

/** Decodes bytes as Latin-1: each byte is the character of that code, as in a head, RFC 9110 §5.5. */
export function decodeLatin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= charactersPerCall) return decodePiece(bytes, start, end)
  return decodePiece(bytes, start, start + charactersPerCall) + decodeLatin1(bytes, start + charactersPerCall, end)
}

function decodePiece(bytes: Uint8Array, start: number, end: number): string {
  // `apply` is faster than spread syntax (`npm run bench`, row `handshake`).
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)
  return String.fromCharCode.apply(null, view as unknown as number[])
}

/** Encodes a text without characters above U+00FF. */
export function encodeLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}
