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
