import { ClusterAdapterWithHeartbeat } from 'socket.io-adapter'
import type { ResumableBroker } from 'twoway/hub'
import { systemClock } from './clock.js'
import { socketIoAdapterOf } from './socket-io-adapter.js'
import type { SocketIoOptions } from './socket-io-options.js'

export type { SocketIoOptions }

/**
 * Makes an adapter of Socket.IO on a broker: the nodes of a cluster share rooms, broadcasts, requests and sessions.
 *
 * ```ts
 * const io = new Server(httpServer, { adapter: createAdapter(natsBroker({ connection })) })
 * ```
 *
 * Throws a TypeError for options that can't be used.
 */
export function createAdapter(
  broker: ResumableBroker,
  options: SocketIoOptions = {},
): (namespace: unknown) => ClusterAdapterWithHeartbeat {
  return socketIoAdapterOf(ClusterAdapterWithHeartbeat, broker, options, {
    clock: systemClock,
    report: (error) => console.error('twoway: the broker of the Socket.IO adapter:', error),
  })
}
