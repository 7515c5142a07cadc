import { quoted } from '../../core/printable.js'

/**
 * A URL for an error: without user and password, and without the contents of query and fragment, which may be tokens. The
 * text need not be a valid URL: everything before an `@` is left out, as it may be a password in a mistyped URL.
 */
export function redactUrl(text: string): string {
  const [, scheme = '', path = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?([^?#]*)(.*)$/is.exec(text) ?? []
  if (rest.includes('@')) return quoted(`${scheme}…`)
  const at = path.lastIndexOf('@')
  const shown = at < 0 ? path : `…${path.slice(at)}`
  return quoted(scheme + shown + (rest === '' ? '' : `${rest[0]}…`))
}
