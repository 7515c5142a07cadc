import { socketIoAdapterOf } from '../frameworks/socket-io/socket-io-adapter.js'
import type { SocketIoOptions } from '../frameworks/socket-io/socket-io-options.js'
import type { ResumableBroker } from '../ports/broker/broker.js'
import { webClock } from '../runtimes/web/clock.js'

export {
  type CrosswsApp,
  type CrosswsHandlers,
  type CrosswsHooks,
  crosswsHandlers,
} from '../frameworks/crossws-handlers.js'
export type { CrosswsConnection } from '../frameworks/crossws-peer.js'
export {
  type GraphqlExtra,
  type GraphqlServer,
  type GraphqlSocket,
  graphqlHandlers,
} from '../frameworks/graphql-handlers.js'
export {
  type HonoApp,
  type HonoConnection,
  type HonoHelper,
  type HonoWebSockets,
  honoWebSockets,
} from '../frameworks/hono-websockets.js'
export { NestAdapter, type NestGateway } from '../frameworks/nest-adapter.js'
export { type TrpcServer, trpcServer } from '../frameworks/trpc-server.js'

export type { SocketIoOptions }

/**
 * An adapter of Socket.IO on a broker: the nodes of a cluster share rooms, broadcasts, requests and sessions.
 * `createAdapter` of `@twoway/redis/socket.io` and `@twoway/nats/socket.io` call this with the class of socket.io-adapter.
 *
 * ```ts
 * import { ClusterAdapterWithHeartbeat } from 'socket.io-adapter'
 *
 * const io = new Server(httpServer, { adapter: socketIoAdapter(ClusterAdapterWithHeartbeat, broker) })
 * ```
 *
 * Throws a TypeError for options that can't be used.
 */
export function socketIoAdapter<Adapter>(
  ClusterAdapterWithHeartbeat: { readonly prototype: Adapter },
  broker: ResumableBroker,
  options: SocketIoOptions = {},
): (namespace: unknown) => Adapter {
  return socketIoAdapterOf(ClusterAdapterWithHeartbeat, broker, options, {
    clock: webClock,
    report: (error) => console.error('twoway: the broker of the Socket.IO adapter:', error),
  })
}
