/** One character of a token, for use in a regular expression, RFC 9110 §5.6.2. */
export const tokenCharacter = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]"

const token = new RegExp(`^${tokenCharacter}+$`)
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** Whether a text is a token: a method, a field's name, a subprotocol, RFC 9110 §5.6.2. */
export function isToken(text: string): boolean {
  return token.test(text)
}

const isTokenCode = Array.from({ length: 256 }, (_, byte) => isToken(String.fromCharCode(byte)))

/** Whether a token may contain a byte. */
export function isTokenByte(byte: number): boolean {
  return isTokenCode[byte]!
}

/** Whether a text is a valid field value: no control characters except tabs, nothing above U+00FF, RFC 9110 §5.5. */
export function isFieldValue(text: string): boolean {
  return fieldValue.test(text)
}

/** The elements of a comma-separated list without empty ones, RFC 9110 §5.6.1.2. */
export function splitList(value: string): string[] {
  return value
    .split(',')
    .map(trimSpace)
    .filter((element) => element !== '')
}

/** Removes spaces and tabs at both ends, RFC 9110 §5.6.3. `trim` would remove more: U+00A0 belongs to a value. */
export function trimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (start < end && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** Whether all elements are tokens and distinct, as §4.1 (10) requires of subprotocols. */
export function areDistinctTokens(elements: readonly string[]): boolean {
  return elements.every((element, at) => isToken(element) && elements.indexOf(element) === at)
}

/**
 * Whether two texts are equal except for the case of ASCII letters. Compares code by code, so that no lower-case copy
 * of each field is made.
 */
export function isSameText(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at += 1) {
    if (inLowerCase(one.charCodeAt(at)) !== inLowerCase(other.charCodeAt(at))) return false
  }
  return true
}

function inLowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
}

/** Whether a character code is a space or a tab, the white space of a head, RFC 9110 §5.6.3. */
export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}
