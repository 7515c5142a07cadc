/** One character of a token, as a part of a regular expression, RFC 9110 §5.6.2. */
export const tokenCharacter = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]"

const token = new RegExp(`^${tokenCharacter}+$`)
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** Whether a text is a token: a method, a field's name, a subprotocol, RFC 9110 §5.6.2. */
export function isToken(text: string): boolean {
  return token.test(text)
}

const isTokenCode = Array.from({ length: 256 }, (_, octet) => isToken(String.fromCharCode(octet)))

/** Whether an octet may stand in a token. */
export function isTokenOctet(octet: number): boolean {
  return isTokenCode[octet]!
}

/** Whether a text can stand as a field's value: no control characters but tabs, nothing above U+00FF, RFC 9110 §5.5. */
export function isFieldValue(text: string): boolean {
  return fieldValue.test(text)
}

/** The elements of a comma-separated list, empty ones left out as RFC 9110 §5.6.1.2 asks of recipients. */
export function splitList(value: string): string[] {
  return value
    .split(',')
    .map(trimSpace)
    .filter((element) => element !== '')
}

/** Without the spaces and tabs around it, RFC 9110 §5.6.3. `trim` takes more away: U+00A0 belongs to a value. */
export function trimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (start < end && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** Whether each element is a token and none is there twice, as §4.1 (10) asks of a list of subprotocols. */
export function areDistinctTokens(elements: readonly string[]): boolean {
  return elements.every((element, at) => isToken(element) && elements.indexOf(element) === at)
}

/**
 * Whether two texts are the same but for the case of letters of ASCII. Letter by letter, as texts in lower case would be
 * made for each field that a rule passes over.
 */
export function isSameText(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at += 1) {
    if (inLowerCase(one.charCodeAt(at)) !== inLowerCase(other.charCodeAt(at))) return false
  }
  return true
}

function inLowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet
}

/** Whether a character's code is that of a space or a tab: white space in a head, RFC 9110 §5.6.3. */
export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}
