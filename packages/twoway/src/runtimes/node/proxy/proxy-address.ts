import { TransportError } from '../../../core/errors.js'
import { URL } from '../platform.js'

/** The address of a proxy, and the credentials for it. */
export interface ProxyAddress {
  readonly scheme: 'http' | 'https' | 'socks5' | 'socks5h'
  /** A name or an IP address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** Undefined if the user and the password both are ''. */
  readonly credentials: Credentials | undefined
}

export interface Credentials {
  readonly user: string
  readonly password: string
}

const defaultPorts = { http: 80, https: 443, socks5: 1080, socks5h: 1080 } as const

/**
 * Reads a proxy's URL. Throws a TransportError for an invalid one, without repeating it.
 * @param source where the URL comes from, in words
 */
export function readProxyAddress(text: string, source: string): ProxyAddress {
  const { 1: scheme } = /^([a-z0-9]+):\/\/[^/?#]+\/?$/i.exec(text) ?? []
  const lowerScheme = scheme?.toLowerCase() ?? ''
  if (!isScheme(lowerScheme) || !URL.canParse(text)) throw noProxy(source)
  // Parsed as an http: URL, which normalizes the host.
  const url = new URL(text.replace(/^[^:]+/, 'http'))
  const explicitPort = /:(\d+)\/?$/.exec(text)?.[1]
  try {
    const credentials = { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
    return {
      scheme: lowerScheme,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: explicitPort === undefined ? defaultPorts[lowerScheme] : Number(explicitPort),
      credentials: credentials.user === '' && credentials.password === '' ? undefined : credentials,
    }
  } catch {
    throw noProxy(source)
  }
}

function isScheme(scheme: string): scheme is keyof typeof defaultPorts {
  return Object.hasOwn(defaultPorts, scheme)
}

function noProxy(source: string): TransportError {
  return new TransportError(`${source} is not the URL of a proxy by http:, https:, socks5: or socks5h:, without a path`)
}
