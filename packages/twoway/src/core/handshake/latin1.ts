// A call takes its arguments on the stack, which a long head must not exhaust.
const charactersPerCall = 4096

/** The text of octets that each stand for the character of the same number, as a head's octets do, RFC 9110 §5.5. */
export function decodeLatin1(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let at = start; at < end; at += charactersPerCall) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + charactersPerCall)))
  }
  return text
}

/** The octets of a text that has no character above U+00FF. */
export function encodeLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}
