import { redactUrl } from './redact-url.js'

/** Where a WebSocket URL leads. */
export interface Place {
  /** A `ws:` or `wss:` URL: scheme, host, port and resource. */
  readonly url: URL
  /** The Unix socket that stands for its host and port. */
  readonly socketPath: string | undefined
}

const unixSchemes: { readonly [scheme: string]: string | undefined } = { 'ws+unix:': 'ws:', 'wss+unix:': 'wss:' }

/**
 * Where a URL that `parseWebSocketUrl` has let pass leads. Beyond the standard, `ws+unix:/path/to.sock:/resource?query`
 * (and `wss+unix:`) is the resource of a server that listens on a Unix socket, whose Host is localhost. The path ends at
 * the first colon, is percent-decoded, and must be absolute. A SyntaxError DOMException where such a URL is not of
 * that form.
 */
export function placeOf(url: URL): Place {
  const scheme = unixSchemes[url.protocol]
  if (scheme === undefined) return { url, socketPath: undefined }
  const { 1: path, 2: resource = '/' } = /^(\/[^:]+)(?::(\/.*)?)?$/.exec(url.pathname) ?? []
  const socketPath = path === undefined || url.host !== '' ? undefined : decode(path)
  if (socketPath === undefined) {
    throw new DOMException(
      `"${redactUrl(url.href)}" is not of the form ${url.protocol}/path/to.sock:/resource, with an absolute path of a Unix socket`,
      'SyntaxError',
    )
  }
  return { url: new URL(`${scheme}//localhost${resource}${url.search}`), socketPath }
}

/** Whether both are of one origin: the same scheme, host and port, on the same Unix socket or on none. */
export function isSameOrigin(one: Place, other: Place): boolean {
  return one.url.origin === other.url.origin && one.socketPath === other.socketPath
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
