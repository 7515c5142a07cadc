import type { Clock } from '../../ports/clock.js'
import type { TransportPeer } from '../../ports/transport.js'
import { MemoryTransport } from './memory-transport.js'

/**
 * Two transports joined without a network: what is written on one is copied and delivered by the other in a task of its
 * own, in order. 64 KiB are on the way at most, each way; what a peer that is paused or not started leaves beyond is
 * pending.
 */
export function memoryPair(
  clock: Clock,
  peer: TransportPeer = { address: undefined, port: undefined, encrypted: false },
): readonly [MemoryTransport, MemoryTransport] {
  const pair = [new MemoryTransport(peer, clock), new MemoryTransport(peer, clock)] as const
  MemoryTransport.join(...pair)
  return pair
}
