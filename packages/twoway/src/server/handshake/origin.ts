import { HandshakeError } from '../../core/errors.js'
import type { HeaderFields } from '../../core/http/header-fields.js'
import { quoted } from '../../core/printable.js'

/** The ports that an origin leaves out, by the schemes that a page of our own can have: RFC 6454 §4, RFC 6455 §3. */
const defaultPorts: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
  ['ws', '80'],
  ['wss', '443'],
])

const originForm = /^([a-z]+):\/\/(\[[0-9a-f:.]+\]|[^/?#@:,\s]+)(?::(\d+))?$/
const hostForm = /^(\[[0-9a-f:.]+\]|[^/?#@:,\s]+)(?::(\d*))?$/

/**
 * Refuses a handshake of a page that does not belong, RFC 6455 §10.2: the Origin's host and port must be those of
 * Host, or the origin must be on the list. No Origin means no browser, and passes.
 */
export function checkOrigin(headers: HeaderFields, encrypted: boolean, allowed: 'any' | readonly string[]): void {
  const origin = headers.get('origin')
  if (allowed === 'any' || origin === undefined || allowed.includes(origin)) return
  if (isOwn(origin.toLowerCase(), (headers.get('host') ?? '').toLowerCase(), encrypted)) return
  throw new HandshakeError('originForbidden', `${quoted(origin)}; the option origin lists the pages it takes`)
}

/**
 * A Host without a port is that of the scheme's default port, and the user's scheme is known under TLS only: a plain
 * server may have a proxy before it that ends TLS, so that its page is of https.
 */
function isOwn(origin: string, host: string, encrypted: boolean): boolean {
  const [, scheme = '', name, port] = originForm.exec(origin) ?? []
  const [, ownName, ownPort] = hostForm.exec(host) ?? []
  const defaultPort = defaultPorts.get(scheme)
  if (defaultPort === undefined || name === undefined || name !== ownName) return false
  return (port ?? defaultPort) === (ownPort || (encrypted ? '443' : defaultPort))
}
