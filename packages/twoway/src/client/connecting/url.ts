import { quoted } from '../../core/printable.js'
import * as platform from '../platform.js'
import { destinationOf } from './destination.js'
import { redactUrl } from './redact-url.js'

const schemes: { readonly [scheme: string]: string | undefined } = {
  'ws:': 'ws:',
  'wss:': 'wss:',
  'http:': 'ws:',
  'https:': 'wss:',
  // Beyond the standard: see `destinationOf`.
  'ws+unix:': 'ws+unix:',
  'wss+unix:': 'wss+unix:',
}

/**
 * The URL to connect to, as the WHATWG standard obtains it: http and https become ws and wss. Throws a SyntaxError
 * DOMException for any other scheme and for a fragment. Beyond the standard, ws+unix and wss+unix lead to a Unix socket.
 */
export function parseWebSocketUrl(text: string): URL {
  if (!platform.URL.canParse(text)) {
    throw new platform.DOMException(
      `"${redactUrl(text)}" is not a URL: write one such as ws://localhost:8080/`,
      'SyntaxError',
    )
  }
  const url = new platform.URL(text)
  const scheme = schemes[url.protocol]
  if (scheme === undefined) {
    // Of user:password@host the user stands where a scheme does.
    const found = text.includes('@') ? '' : `, not ${quoted(url.protocol)}`
    throw new platform.DOMException(
      `the scheme of "${redactUrl(text)}" must be ws, wss, http or https${found}`,
      'SyntaxError',
    )
  }
  if (url.protocol !== scheme) url.protocol = scheme
  if (url.hash !== '' || url.href.endsWith('#')) {
    throw new platform.DOMException(
      `"${redactUrl(text)}" has a fragment, which a WebSocket URL must not have: remove it`,
      'SyntaxError',
    )
  }
  destinationOf(url)
  return url
}
