import type { Duplex } from 'node:stream'
import type { TransportPeer } from '../../ports/transport.js'
import { adoptSocket } from './adopt-socket.js'
import { StreamTransport } from './stream-transport.js'

/** A transport over a connection that a server of Node's has handed out. It reads into the shared memory where it can. */
export function transportOf(stream: Duplex, head: Uint8Array, peer: TransportPeer): StreamTransport {
  const adopted = adoptSocket(stream)
  if (adopted === undefined) return new StreamTransport(stream, { head, peer })
  return new StreamTransport(adopted.socket, { head, peer, reading: adopted.reading })
}
