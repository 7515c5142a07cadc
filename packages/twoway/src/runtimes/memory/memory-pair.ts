import type { TransportPeer } from '../../ports/transport.js'
import { MemoryTransport } from './memory-transport.js'

/**
 * Two transports joined without a network: what is written on one is copied and delivered by the other in a microtask,
 * in order. 64 KiB are on the way at most, each way; what a peer that is paused or not started leaves beyond is pending.
 * Two peers that answer each other without end let no timer run.
 */
export function memoryPair(
  peer: TransportPeer = { address: undefined, port: undefined, encrypted: false },
): readonly [MemoryTransport, MemoryTransport] {
  const pair = [new MemoryTransport(peer), new MemoryTransport(peer)] as const
  MemoryTransport.join(...pair)
  return pair
}
