import { HeaderFields } from '../core/handshake/header-fields.js'
import { isHost } from '../core/handshake/request-target.js'
import type { RequestHead } from '../ports/http-host.js'
import type { TransportPeer } from '../ports/transport.js'

/** A request as a handler sees it: an opening handshake, or a plain request. */
export class IncomingRequest {
  readonly method: string
  /** The whole URL: ws or wss for a handshake, http or https for a plain request. Its host is what the client says. */
  readonly url: string
  readonly headers: HeaderFields
  /** The subprotocols that a handshake offers, the preferred first. */
  readonly protocols: readonly string[]
  /** The peer's IP address, or undefined where there is none. */
  readonly remoteAddress: string | undefined

  constructor(
    head: RequestHead,
    peer: TransportPeer,
    scheme: 'ws' | 'http',
    headers = new HeaderFields(head.fields),
    protocols: readonly string[] = [],
  ) {
    this.method = head.method
    this.headers = headers
    this.protocols = protocols
    this.remoteAddress = peer.address
    const host = headers.get('host') ?? ''
    const origin = `${scheme}${peer.encrypted ? 's' : ''}://${isHost(host) ? host : 'unknown.invalid'}`
    this.url = head.target.startsWith('/') ? origin + head.target : origin
  }
}
