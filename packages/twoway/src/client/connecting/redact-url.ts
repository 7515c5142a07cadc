import { quoted } from '../../core/printable.js'

/**
 * A URL as an error may repeat it: without user and password, and without what stands in its query and fragment, which
 * may be tokens. It may be no URL at all. What could be read as a password in a URL with a slip in it is left out too:
 * everything before an `@`.
 */
export function redactUrl(text: string): string {
  const [, scheme = '', path = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?([^?#]*)(.*)$/is.exec(text) ?? []
  if (rest.includes('@')) return quoted(`${scheme}…`)
  const at = path.lastIndexOf('@')
  const shown = at < 0 ? path : `…${path.slice(at)}`
  return quoted(scheme + shown + (rest === '' ? '' : `${rest[0]}…`))
}
