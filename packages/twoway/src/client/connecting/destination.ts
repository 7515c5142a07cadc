import * as platform from '../platform.js'
import { redactUrl } from './redact-url.js'

/** The server and the resource that a WebSocket URL names. */
export interface Destination {
  /** A `ws:` or `wss:` URL: scheme, host, port and resource. */
  readonly url: URL
  /** The Unix socket in place of host and port. */
  readonly socketPath: string | undefined
}

const unixSchemes: { readonly [scheme: string]: string | undefined } = { 'ws+unix:': 'ws:', 'wss+unix:': 'wss:' }

/**
 * The destination of a URL that `parseWebSocketUrl` has accepted. Beyond the standard, `ws+unix:/path/to.sock:/resource?query`
 * (and `wss+unix:`) is a resource of a server on a Unix socket, and Host is localhost. The path ends at the first colon, is
 * percent-decoded, and must be absolute. Throws a SyntaxError DOMException for a URL of another form.
 */
export function destinationOf(url: URL): Destination {
  const scheme = unixSchemes[url.protocol]
  if (scheme === undefined) return { url, socketPath: undefined }
  const { 1: path, 2: resource = '/' } = /^(\/[^:]+)(?::(\/.*)?)?$/.exec(url.pathname) ?? []
  const socketPath = path === undefined || url.host !== '' ? undefined : decode(path)
  if (socketPath === undefined) {
    throw new platform.DOMException(
      `"${redactUrl(url.href)}" is not of the form ${url.protocol}/path/to.sock:/resource, with an absolute path of a Unix socket`,
      'SyntaxError',
    )
  }
  return { url: new platform.URL(`${scheme}//localhost${resource}${url.search}`), socketPath }
}

/** Whether both are of one origin: the same scheme, host and port, on the same Unix socket or on none. */
export function isSameOrigin(one: Destination, other: Destination): boolean {
  return one.url.origin === other.url.origin && one.socketPath === other.socketPath
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
