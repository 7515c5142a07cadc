import { HandshakeError } from '../../core/errors.js'
import type { HeaderFields } from '../../core/http/header-fields.js'
import { quoted } from '../../core/printable.js'

const defaultPorts: { readonly [scheme: string]: string | undefined } = { http: '80', https: '443' }

/**
 * Refuses a handshake of a page that does not belong, RFC 6455 §10.2: the Origin's host and port must be those of
 * Host, or the origin must be on the list. No Origin means no browser, and passes.
 */
export function checkOrigin(headers: HeaderFields, encrypted: boolean, allowed: 'any' | readonly string[]): void {
  const origin = headers.get('origin')
  if (allowed === 'any' || origin === undefined || allowed.includes(origin)) return
  const [scheme, authority] = origin.toLowerCase().split('://')
  const host = headers.get('host') ?? ''
  if (
    authority !== undefined &&
    withPort(authority, scheme!) === withPort(host.toLowerCase(), encrypted ? 'https' : 'http')
  )
    return
  throw new HandshakeError('originForbidden', quoted(origin))
}

function withPort(authority: string, scheme: string): string {
  return /:\d+$/.test(authority) ? authority : `${authority}:${defaultPorts[scheme] ?? ''}`
}
