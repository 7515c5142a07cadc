import { HeaderFields } from '../../core/http/header-fields.js'
import { quoted } from '../../core/printable.js'
import type { ResponseHead } from '../../ports/http-host.js'
import * as platform from '../platform.js'
import type { Destination } from './destination.js'
import { redactUrl } from './redact-url.js'

/** The statuses that redirect the same request to another URL, RFC 9110 §15.4. */
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

const webSocketSchemes: { readonly [scheme: string]: string | undefined } = {
  'ws:': 'ws:',
  'wss:': 'wss:',
  'http:': 'ws:',
  'https:': 'wss:',
}

/**
 * The destination of a redirect, or the reason in words why it can't be followed; undefined if the answer does not redirect. A
 * redirect never leads from wss to ws, nor to another Unix socket. User, password and fragment of its URL are dropped.
 */
export function redirectOf({ status, fields }: ResponseHead, from: Destination): Destination | string | undefined {
  if (!redirectStatuses.has(status)) return undefined
  const { 0: location, 1: second } = new HeaderFields(fields).all('location')
  if (location === undefined || second !== undefined) return 'a redirect must carry exactly one Location'
  if (!platform.URL.canParse(location, from.url)) return `its Location "${redactUrl(location)}" is not a URL`
  const url = new platform.URL(location, from.url)
  const scheme = webSocketSchemes[url.protocol]
  if (scheme === undefined) return `it redirects to ${quoted(url.protocol)}, which is not followed`
  url.protocol = scheme
  url.hash = ''
  url.username = ''
  url.password = ''
  if (from.url.protocol === 'wss:' && scheme === 'ws:') {
    return `it redirects from wss to ${quoted(url.href)}, which is not encrypted and not followed`
  }
  return { url, socketPath: url.origin === from.url.origin ? from.socketPath : undefined }
}
