import { HandshakeError } from '../../core/errors.js'
import { isSameText } from '../../core/http/field-syntax.js'
import type { HeaderFields } from '../../core/http/header-fields.js'
import { quoted } from '../../core/printable.js'

const port = /:\d*$/

/** A name or an address that means this machine, seen from itself (RFC 6761 §6.3). */
const loopback = String.raw`(?:localhost\.?|.+\.localhost\.?|(?:::ffff:)?127(?:\.\d{1,3}){3}|\[::1\]|::1)`
const loopbackAddress = new RegExp(`^${loopback}$`, 'i')
const loopbackHost = new RegExp(`^${loopback}(?::\\d*)?$`, 'i')

/**
 * Refuses a request to a server that listens on loopback only, if its Host is not a name of this machine. Such a request
 * comes from a page whose owner let a name point here (DNS rebinding), and its Origin would match.
 *
 * @param forwarded the Host that a trusted proxy reports
 */
export function checkHost(
  headers: HeaderFields,
  listensOn: string,
  allowed: 'any' | readonly string[],
  forwarded?: string,
): void {
  const isLocal = loopbackAddress.test(listensOn)
  if (allowed === 'any' || (allowed.length === 0 && !isLocal)) return
  // A page under a foreign name can set the fields of a proxy, but never its Host. So this machine always checks that too.
  if (isLocal || forwarded === undefined) checkName(headers.get('host') ?? '', allowed)
  if (forwarded !== undefined) checkName(forwarded, allowed)
}

function checkName(value: string, allowed: readonly string[]): void {
  if (loopbackHost.test(value)) return
  const host = value.replace(port, '')
  if (allowed.some((name) => isSameText(withoutRoot(name), withoutRoot(host)))) return
  throw new HandshakeError('hostForbidden', `${quoted(host)}; add the name to the option hosts to accept it`)
}

/** A name without the dot of the DNS root at its end: `example.com.` is `example.com`, RFC 1034 §3.1. */
export function withoutRoot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}
