import { UsageError } from '../errors.js'
import { quoted } from '../printable.js'
import { isFieldValue, isToken } from './field-syntax.js'
import { encodeLatin1 } from './latin1.js'

/**
 * Encodes a head. All fields that are sent pass here, so none can break out of its line. Throws a UsageError
 * 'headerInvalid' for a name that is not a token or a value with a control character.
 */
export function encodeHead(startLine: string, fields: readonly string[]): Uint8Array {
  let text = `${startLine}\r\n`
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]
    const value = fields[at + 1]
    if (typeof name !== 'string' || !isToken(name)) {
      throw new UsageError('headerInvalid', `a header field's name must be a token, not ${beginningOf(name)}`)
    }
    if (typeof value !== 'string' || !isFieldValue(value)) {
      throw new UsageError(
        'headerInvalid',
        `the value of ${name} must be a string without control characters and characters above U+00FF`,
      )
    }
    text += `${name}: ${value}\r\n`
  }
  return encodeLatin1(`${text}\r\n`)
}

/** The part of an invalid name that can't be secret: a caller may have passed a whole line, with the value. */
function beginningOf(name: unknown): string {
  if (typeof name !== 'string') return `a value of type ${typeof name}`
  const [, beginning = '', rest = ''] = /^([\w-]{0,40})(.*)$/s.exec(name) ?? []
  return `"${quoted(beginning)}${rest === '' ? '' : '…'}"`
}

/** Throws a UsageError 'headerInvalid' if a caller's fields include one that `owner` writes itself. */
export function refuseOwnedFields(fields: readonly string[], owned: ReadonlySet<string>, owner: string): void {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!
    if (owned.has(String(name).toLowerCase())) throw new UsageError('headerInvalid', `${owner} sets ${name} itself`)
  }
}
