import { ClusterAdapterWithHeartbeat } from 'socket.io-adapter'
import { type SocketIoOptions, socketIoAdapter } from 'twoway/frameworks'
import type { ResumableBroker } from 'twoway/hub'

export type { SocketIoOptions }

/**
 * Makes an adapter for Socket.IO on this broker, or on any other one.
 *
 * ```ts
 * const io = new Server(httpServer, { adapter: createAdapter(redisBroker({ client })) })
 * ```
 *
 * Throws a TypeError for options that can't be used.
 */
export function createAdapter(
  broker: ResumableBroker,
  options?: SocketIoOptions,
): (namespace: unknown) => ClusterAdapterWithHeartbeat {
  return socketIoAdapter(ClusterAdapterWithHeartbeat, broker, options)
}
