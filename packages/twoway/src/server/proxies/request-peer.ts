import { HandshakeError } from '../../core/errors.js'
import { HeaderFields } from '../../core/http/header-fields.js'
import { isHost } from '../../core/http/request-target.js'
import type { RequestHead } from '../../ports/http-host.js'
import type { TransportPeer } from '../../ports/transport.js'
import { type ForwardedHops, isSecure, readForwarded, readXForwarded } from './forwarded-fields.js'
import type { TrustedProxies } from './trusted-proxies.js'

/** The client of a request, as far as the trusted proxies in front of the server tell. */
export interface RequestPeer {
  /** Undefined if the client has none, or if a trusted proxy does not tell it. */
  readonly address: string | undefined
  /** Whether the client used TLS. */
  readonly encrypted: boolean
  /** The Host as the client sent it; undefined if no trusted proxy tells another than the request has. */
  readonly host?: string | undefined
  /** The address that the rate of handshakes is counted for: the nearest that is known. */
  readonly countedAddress: string | undefined
}

/**
 * Decides who sent a request. The walk starts at the peer and goes on, through the reports of the proxies from the right,
 * as long as the proxy that reports is trusted. So a client can't add anything that counts, RFC 7239 §8.1.
 *
 * Throws a HandshakeError if a trusted proxy lets through what can't be read safely.
 */
export function requestPeer(
  head: Pick<RequestHead, 'fields'>,
  peer: TransportPeer,
  proxies: TrustedProxies,
): RequestPeer {
  const { address, encrypted } = peer
  const direct = { address, encrypted, countedAddress: address }
  // The proxy of a PROXY header forwards bytes as they come, so a client that it does not name has written the fields.
  if (peer.announced === 'unnamed') return direct
  const distance = peer.announced === 'named' ? 1 : 0
  if (!proxies.trusts(address, distance)) return direct
  const headers = new HeaderFields(head.fields)
  const standard = readForwarded(headers)
  const usual = readXForwarded(headers)
  if (standard === 'malformed' || usual === 'malformed') {
    throw new HandshakeError('forwardedMalformed', 'from a proxy that trustedProxies names')
  }
  const one = standard === undefined ? undefined : walk(standard, direct, proxies, distance)
  const other = usual === undefined ? undefined : walk(usual, direct, proxies, distance)
  // A proxy sets fields of one kind. It may let the other kind through as the client has written it.
  if (one !== undefined && other !== undefined && !isSame(one, other, headers.get('host'))) {
    throw new HandshakeError(
      'forwardedConflict',
      'have the proxy that sets one of them remove the other from what clients send',
    )
  }
  return one ?? other ?? direct
}

/** @param distance the number of proxies between the peer and the server */
function walk(hops: ForwardedHops, direct: RequestPeer, proxies: TrustedProxies, distance: number): RequestPeer {
  let { address, encrypted, countedAddress } = direct
  let host: string | undefined
  for (let steps = 0; steps < hops.length; steps += 1) {
    if (steps > 0 && !proxies.trusts(address, distance + steps)) break
    const hop = hops[hops.length - 1 - steps]!
    // A report of the scheme alone says nothing about the address.
    if (hop.address !== undefined) address = hop.address === 'hidden' ? undefined : hop.address
    countedAddress = address ?? countedAddress
    if (hop.proto !== undefined && /^(?:https?|wss?)$/i.test(hop.proto)) encrypted = isSecure(hop.proto)
    if (hop.host !== undefined && isHost(hop.host)) host = hop.host
    // A peer without a name can't be trusted.
    if (hop.address === undefined || hop.address === 'hidden') break
  }
  return { address, encrypted, host, countedAddress }
}

function isSame(one: RequestPeer, other: RequestPeer, host: string | undefined): boolean {
  return (
    one.address === other.address && one.encrypted === other.encrypted && (one.host ?? host) === (other.host ?? host)
  )
}
