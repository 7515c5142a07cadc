import { TransportError } from '../../core/errors.js'
import type { TransportPeer } from '../../ports/transport.js'
import { TrustedProxies } from './trusted-proxies.js'

const forwardingField = /^(?:forwarded|x-forwarded-(?:for|proto|host|port))$/i

/** The networks in which a proxy of the same site can be, by the value of `trustedProxies` for them. */
const nearby = (['loopback', 'private', 'unix'] as const).map((name) => [name, new TrustedProxies(name)] as const)

/** The name of the first field of a proxy, in a request from a peer that is no trusted proxy. Undefined if there is none. */
export function ignoredField(
  fields: readonly string[],
  { address, announced }: TransportPeer,
  proxies: TrustedProxies,
): string | undefined {
  // A client that a PROXY header announces has written the fields itself.
  if (announced !== undefined || proxies.trusts(address, 0)) return undefined
  for (let at = 0; at < fields.length; at += 2) {
    if (forwardingField.test(fields[at]!)) return fields[at]
  }
  return undefined
}

/**
 * Finds a proxy that `trustedProxies` does not name. A peer of another network may be any client, so only peers of this
 * machine and of private networks count.
 */
export class IgnoredFields {
  readonly #proxies: TrustedProxies
  #isReported: boolean

  constructor(proxies: TrustedProxies) {
    this.#proxies = proxies
    this.#isReported = proxies.isNone
  }

  /** The error to report for a request. There is one at most for a server, so that a peer can't fill a log. */
  errorFor(fields: readonly string[], peer: TransportPeer): TransportError | undefined {
    if (this.#isReported) return undefined
    const { address } = peer
    const network = nearby.find(([, proxies]) => proxies.trusts(address, 0))?.[0]
    if (network === undefined) return undefined
    const field = ignoredField(fields, peer, this.#proxies)
    if (field === undefined) return undefined
    this.#isReported = true
    const value = network === 'private' ? address : network
    const named = address === undefined ? 'the peer of a Unix socket' : `the peer ${address}`
    return new TransportError(
      `${named} sent ${field}, which was ignored, because the option trustedProxies does not name this peer: set trustedProxies: '${value}' if it is your proxy, or trustedProxies: 0 if there is none (reported once)`,
      { code: 'forwardingIgnored' },
    )
  }
}
