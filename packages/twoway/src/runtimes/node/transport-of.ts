import type { Duplex } from 'node:stream'
import type { Transport, TransportPeer } from '../../ports/transport.js'
import { StreamTransport } from './stream-transport.js'

/** The transport that goes on where an HTTP request with Upgrade ended; `head` is what came behind it. */
export function transportOf(stream: Duplex, head: Uint8Array, peer: TransportPeer): Transport {
  return new StreamTransport(stream, { head, peer })
}
