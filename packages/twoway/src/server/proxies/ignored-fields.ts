import { TransportError } from '../../core/errors.js'
import { RepeatedHead } from '../../core/handshake/repeated-head.js'
import type { RequestHead } from '../../ports/http-host.js'
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
  if (announced !== undefined) return undefined
  const field = fields.find((name, at) => at % 2 === 0 && forwardingField.test(name))
  // Reading an address costs more than looking for a field.
  return field === undefined || proxies.trusts(address, 0) ? undefined : field
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
  errorFor(head: RequestHead, peer: TransportPeer): TransportError | undefined {
    // A repeated head has no field of a proxy: such a head is not kept.
    if (this.#isReported || RepeatedHead.is(head)) return undefined
    const field = ignoredField(head.fields, peer, this.#proxies)
    if (field === undefined) return undefined
    const { address } = peer
    const network = nearby.find(([, proxies]) => proxies.trusts(address, 0))?.[0]
    if (network === undefined) return undefined
    this.#isReported = true
    const value = network === 'private' ? address : network
    const named = address === undefined ? 'the peer of a Unix socket' : `the peer ${address}`
    return new TransportError(
      `${named} sent ${field}, which was ignored, because the option trustedProxies does not name this peer: set trustedProxies: '${value}' if it is your proxy, or trustedProxies: 0 if there is none (reported once)`,
      { code: 'forwardingIgnored' },
    )
  }
}
