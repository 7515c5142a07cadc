import type { IncomingRequest } from 'twoway/server'

const hidden = '***'

/**
 * The fields whose values are shown: those of the handshake, and what browsers and proxies say of themselves. A proxy
 * may add any other, with a secret in it that the client is not to see.
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

/** Of some fields with secrets a part is shown: what the secret is called, or of what kind it is. */
const masks: ReadonlyMap<string, (value: string) => string> = new Map([
  ['cookie', maskCookies],
  ['authorization', maskCredentials],
  ['proxy-authorization', maskCredentials],
])

/** The schemes by which credentials are told apart from a secret that stands by itself. */
const schemes: ReadonlySet<string> = new Set(['basic', 'bearer', 'digest', 'dpop', 'hoba', 'negotiate', 'ntlm'])

/** A handshake as the server saw it, as JSON: all its fields, and of those that may be secret no value. */
export function mirrorOf({ method, url, headers, protocols, remoteAddress }: IncomingRequest): string {
  const lines = [...headers].map(([name, value]) => [name, shownValue(name, value)] as const)
  return JSON.stringify({ method, url, remoteAddress, protocols, headers: lines }, null, 2)
}

function shownValue(name: string, value: string): string {
  return shownFields.has(name) ? value : (masks.get(name)?.(value) ?? hidden)
}

/** A pair without a value may be a secret that only looks like a name: base64 ends so. */
function maskCookies(value: string): string {
  return value
    .split(';')
    .map((pair) => /^\s*[^=]+=(?=[^=])/.exec(pair)?.[0] ?? '')
    .map((name) => `${name}${hidden}`)
    .join(';')
}

/** RFC 9110 §11.4: a scheme, and behind it what is secret. */
function maskCredentials(value: string): string {
  const scheme = /^[\w-]+(?= )/.exec(value)?.[0]
  return scheme !== undefined && schemes.has(scheme.toLowerCase()) ? `${scheme} ${hidden}` : hidden
}
