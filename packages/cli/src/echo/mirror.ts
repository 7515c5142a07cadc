import type { IncomingRequest } from 'twoway/server'

const hidden = '***'

/**
 * The headers whose values are shown: those of the handshake, and those in which browsers and proxies describe
 * themselves. A proxy may add any other header, with a secret that the client must not see.
 */
const shownFields: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'connection',
  'content-length',
  'dnt',
  'host',
  'origin',
  'pragma',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'upgrade',
  'user-agent',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
])

/** Headers of which only the harmless part is shown: the name or the kind of a secret. */
const masks: ReadonlyMap<string, (value: string) => string> = new Map([
  ['cookie', maskCookies],
  ['authorization', maskCredentials],
  ['proxy-authorization', maskCredentials],
])

/** The authentication schemes. A first word that is none of them may itself be the secret. */
const schemes: ReadonlySet<string> = new Set(['basic', 'bearer', 'digest', 'dpop', 'hoba', 'negotiate', 'ntlm'])

/** A handshake as the server received it, as JSON: all headers, with values that may be secret masked. */
export function mirrorOf({ method, url, headers, protocols, remoteAddress }: IncomingRequest): string {
  const lines = [...headers].map(([name, value]) => [name, shownValue(name, value)] as const)
  return JSON.stringify({ method, url, remoteAddress, protocols, headers: lines }, null, 2)
}

function shownValue(name: string, value: string): string {
  return shownFields.has(name) ? value : (masks.get(name)?.(value) ?? hidden)
}

/** A pair without a value may be a secret that only looks like a name: base64 may end with "=". */
function maskCookies(value: string): string {
  return value
    .split(';')
    .map((pair) => /^\s*[^=]+=(?=[^=])/.exec(pair)?.[0] ?? '')
    .map((name) => `${name}${hidden}`)
    .join(';')
}

/** RFC 9110 §11.4: a scheme, then the secret. */
function maskCredentials(value: string): string {
  const scheme = /^[\w-]+(?= )/.exec(value)?.[0]
  return scheme !== undefined && schemes.has(scheme.toLowerCase()) ? `${scheme} ${hidden}` : hidden
}
