import { trimSpace } from '../../core/http/field-syntax.js'

/** The cookies of a request by name, as the client sent them. */
export type Cookies = Readonly<Record<string, string>>

/**
 * Reads Cookie fields, RFC 6265bis §4.2. The first of several cookies with a name is kept: a client sends the one with the
 * longest path first. Values are not decoded: percent-encoding and quotes are the application's convention, not the
 * standard's. Pairs without a name are left out. The object has no prototype, so every name is safe.
 */
export function parseCookies(fields: readonly string[]): Cookies {
  const cookies: Record<string, string> = Object.create(null)
  for (const field of fields) {
    for (const pair of field.split(';')) {
      const at = pair.indexOf('=')
      const name = at < 0 ? '' : trimSpace(pair.slice(0, at))
      if (name !== '' && cookies[name] === undefined) cookies[name] = trimSpace(pair.slice(at + 1))
    }
  }
  return Object.freeze(cookies)
}
