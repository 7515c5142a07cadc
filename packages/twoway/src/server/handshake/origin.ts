import { HandshakeError } from '../../core/errors.js'
import type { HeaderFields } from '../../core/http/header-fields.js'
import { quoted } from '../../core/printable.js'
import { withoutRoot } from './host.js'

/** The default ports, which an origin leaves out, by the schemes that a page of the same server can have: RFC 6454 §4, RFC 6455 §3. */
const defaultPorts: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
  ['ws', '80'],
  ['wss', '443'],
])

const originForm = /^([a-z]+):\/\/(\[[0-9a-f:.]+\]|[^/?#@:,\s]+)(?::(\d+))?$/
const hostForm = /^(\[[0-9a-f:.]+\]|[^/?#@:,\s]+)(?::(\d*))?$/

/**
 * Refuses handshakes of foreign pages, RFC 6455 §10.2: host and port of the Origin must be those of Host, or the origin
 * must be on the list. A request without an Origin is not from a browser, and is accepted.
 *
 * @param forwarded the Host that a trusted proxy reports
 * @param ignored finds the field of a proxy that had no effect, for the advice
 */
export function checkOrigin(
  headers: HeaderFields,
  encrypted: boolean,
  allowed: 'any' | readonly string[],
  forwarded?: string,
  ignored?: () => string | undefined,
): void {
  const origin = headers.get('origin')
  if (allowed === 'any' || origin === undefined || allowed.includes(origin)) return
  if (allowed.some((each) => isSameOrigin(each, origin))) return
  if (isOwn(origin.toLowerCase(), (forwarded ?? headers.get('host') ?? '').toLowerCase(), encrypted)) return
  const advice = ignored?.() === undefined ? '' : adviceBehindProxy
  throw new HandshakeError('originForbidden', `${quoted(origin)}; add it to the option origin to accept it${advice}`)
}

const adviceBehindProxy =
  '. The fields of a proxy were ignored: have the proxy forward Host with its port, or send X-Forwarded-Host, and name it in the option trustedProxies'

/**
 * A Host without a port means the default port of the scheme, and the scheme of the page is known only under TLS: a proxy
 * in front of a plain server may end TLS, so that the page has https.
 */
function isOwn(origin: string, host: string, encrypted: boolean): boolean {
  const [, scheme = '', name, port] = originForm.exec(origin) ?? []
  const [, ownName, ownPort] = hostForm.exec(host) ?? []
  const defaultPort = defaultPorts.get(scheme)
  if (defaultPort === undefined || name === undefined || ownName === undefined) return false
  if (comparable(name) !== comparable(ownName)) return false
  return (port ?? defaultPort) === (ownPort || (encrypted ? '443' : defaultPort))
}

/** Whether two origins differ at most in the dot at the end of the host. */
function isSameOrigin(one: string, other: string): boolean {
  const [, scheme, name = '', port] = originForm.exec(one) ?? []
  const [, otherScheme, otherName = '', otherPort] = originForm.exec(other) ?? []
  return name !== '' && scheme === otherScheme && port === otherPort && comparable(name) === comparable(otherName)
}

/**
 * A host without the dot at its end, which proxies remove from Host but browsers keep in Origin. A name of one label keeps
 * it: without the dot it may be a name of the local network, and with it another site's.
 */
function comparable(name: string): string {
  const bare = withoutRoot(name)
  return bare.includes('.') || bare === 'localhost' ? bare : name
}
