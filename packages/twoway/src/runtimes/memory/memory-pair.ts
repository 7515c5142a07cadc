import type { Clock } from '../../ports/clock.js'
import type { TransportPeer } from '../../ports/transport.js'
import { MemoryTransport } from './memory-transport.js'

/**
 * Makes two transports that are joined without a network. Bytes written to one are copied, and the other delivers them in
 * order, in a task of its own. Each direction holds at most 64 KiB; bytes beyond them are pending until the peer reads.
 */
export function memoryPair(
  clock: Clock,
  peer: TransportPeer = { address: undefined, port: undefined, encrypted: false },
): readonly [MemoryTransport, MemoryTransport] {
  const pair = [new MemoryTransport(peer, clock), new MemoryTransport(peer, clock)] as const
  MemoryTransport.join(...pair)
  return pair
}
