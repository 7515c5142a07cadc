import type { HttpAnswer } from 'twoway/server'
import { listEchoSettings } from './echo-settings.js'
import { safeHeaders } from './safe-headers.js'

/** What some statuses are of no use without, by RFC 9110. */
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

/** Refuses a handshake with the status that its URL asks for. */
export function refuseAsAsked(status: number, url: URL): HttpAnswer {
  const headers = { ...safeHeaders, ...fieldsOf[status]?.(url) }
  return { status, headers, body: `refused with ${status}, as the URL asks\n` }
}

/** Refuses a handshake whose URL asks for what there is not, and says what there is. */
export function refuseSettings(complaint: string): HttpAnswer {
  const body = `This echo service can't do what the URL asks: ${complaint}.\nThere are these settings, as in ?delay=200&drop=0.1\n\n${listEchoSettings()}\n`
  return { status: 400, headers: safeHeaders, body }
}

/** Refuses a request that a browser sends by a name that is not known to be the service's. */
export function refuseName(): HttpAnswer {
  const body =
    'This echo service listens for its own machine alone, and is not known by that name. Start it with --name NAME where it is reached by one, or with --any-origin for pages of any.\n'
  return { status: 421, headers: safeHeaders, body }
}

/**
 * Back to the same place, without the setting that led here. A reference that begins with two slashes would be one to
 * another host, RFC 3986 §4.2: the path gets one.
 */
function location(url: URL): Readonly<Record<string, string>> {
  const target = new URL(url)
  target.searchParams.delete('status')
  return { Location: `${target.pathname.replace(/^\/+/, '/')}${target.search}` }
}
