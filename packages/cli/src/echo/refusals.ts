import type { HttpAnswer } from 'twoway/server'
import { safeHeaders } from '../listening/safe-headers.js'
import { listEchoSettings } from './echo-settings.js'

/** The headers that RFC 9110 requires with some statuses. */
const fieldsOf: { readonly [status: number]: (url: URL) => Readonly<Record<string, string>> } = {
  301: location,
  302: location,
  303: location,
  307: location,
  308: location,
  401: () => ({ 'WWW-Authenticate': 'Basic realm="twoway"' }),
  405: () => ({ Allow: 'GET, HEAD' }),
  407: () => ({ 'Proxy-Authenticate': 'Basic realm="twoway"' }),
  426: () => ({ Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' }),
  429: () => ({ 'Retry-After': '5' }),
  503: () => ({ 'Retry-After': '5' }),
}

/** Refuses a handshake with the status in its URL. */
export function refuseAsAsked(status: number, url: URL): HttpAnswer {
  const headers = { ...safeHeaders, ...fieldsOf[status]?.(url) }
  return { status, headers, body: `refused with ${status}, as the URL requests\n` }
}

/** Refuses a handshake whose URL has invalid settings, and lists the valid ones. */
export function refuseSettings(complaint: string): HttpAnswer {
  const body = `The settings in the URL are invalid: ${complaint}.\nThe echo service has these settings, as in ?delay=200&drop=0.1\n\n${listEchoSettings()}\n`
  return { status: 400, headers: safeHeaders, body }
}

/**
 * The same URL without the setting that caused the redirect. A reference that begins with two slashes would lead to
 * another host, RFC 3986 §4.2, so the path begins with one.
 */
function location(url: URL): Readonly<Record<string, string>> {
  const target = new URL(url)
  target.searchParams.delete('status')
  return { Location: `${target.pathname.replace(/^\/+/, '/')}${target.search}` }
}
