import type { IncomingRequest } from 'twoway/server'

const hidden = '***'

/** How a secret is shown, by the field that carries it: what it is called stays, what it is does not. */
const masks: { readonly [field: string]: (value: string) => string } = {
  cookie: (value) =>
    value
      .split(';')
      .map((pair) => (pair.includes('=') ? `${pair.slice(0, pair.indexOf('=') + 1)}${hidden}` : hidden))
      .join(';'),
  authorization: maskCredentials,
  'proxy-authorization': maskCredentials,
}

/** A handshake as the server saw it, as JSON, without the secrets in it. */
export function mirrorOf({ method, url, headers, protocols, remoteAddress }: IncomingRequest): string {
  const lines = [...headers].map(([name, value]) => [name, masks[name]?.(value) ?? value] as const)
  return JSON.stringify({ method, url, remoteAddress, protocols, headers: lines }, null, 2)
}

/** RFC 9110 §11.4: a scheme, and behind it what is secret. */
function maskCredentials(value: string): string {
  const scheme = /^[A-Za-z0-9-]+(?= )/.exec(value)?.[0]
  return scheme === undefined ? hidden : `${scheme} ${hidden}`
}
