/**
 * A text without what a terminal would obey: control characters become their pictures (␛ for an escape), and those that
 * turn the direction of text a replacement. What a peer sends must not move the cursor or recolour what others said.
 */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => {
    const code = character.codePointAt(0)!
    if (character === '\n' || character === '\t') return character
    if (code < 0x20) return String.fromCodePoint(0x2400 + code)
    return code === 0x7f ? '\u2421' : '\ufffd'
  })
}
