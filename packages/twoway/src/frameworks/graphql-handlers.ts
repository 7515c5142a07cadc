import type { ServerHandlers } from '../server/handler-types.js'
import type { ServerSocket } from '../server/server-types.js'
import * as platform from './platform.js'

const protocol = 'graphql-transport-ws'

/** The code that graphql-ws gives to a failure of the server. */
const internalServerError = 4500

/** The `extra` of a context of graphql-ws. */
export type GraphqlExtra<Data = undefined> = { readonly socket: ServerSocket<Data> }

/** The socket that graphql-ws uses. */
export interface GraphqlSocket {
  readonly protocol: string
  send(data: string): Promise<void> | void
  close(code?: number, reason?: string): void
  onMessage(listener: (data: string) => Promise<void>): void
}

/** The server that `makeServer` of graphql-ws makes. */
export interface GraphqlServer<Extra> {
  opened(socket: GraphqlSocket, extra: Extra): (code?: number, reason?: string) => Promise<void>
}

interface GraphqlClient {
  receive: (data: string) => Promise<void>
  readonly closed: (code?: number, reason?: string) => Promise<void>
}

/**
 * The handlers that serve GraphQL by the subprotocol graphql-transport-ws, with the server that `makeServer` of graphql-ws
 * makes:
 *
 * ```ts
 * attach(httpServer, { path: '/graphql', ...graphqlHandlers(makeServer({ schema })) })
 * ```
 *
 * The contexts of graphql-ws have the connection in `extra.socket`. A subscription sends no faster than its client reads.
 * @remarks An own `upgrade` may take the place of the one given; it answers the `protocol` too.
 */
export function graphqlHandlers<Data = undefined>(server: GraphqlServer<GraphqlExtra<Data>>): ServerHandlers<Data> {
  const clients = new WeakMap<ServerSocket<Data>, GraphqlClient>()
  return {
    // graphql-ws closes a connection of another subprotocol, or of none, with 4406.
    upgrade: ({ protocols }) => ({ protocol: protocols.find((each) => each === protocol) }),
    open(socket) {
      let receive: GraphqlClient['receive'] = () => Promise.resolve()
      const closed = server.opened(
        {
          protocol: socket.protocol,
          send: (data) => sent(socket, data),
          close: (code, reason) => socket.close(code, reason),
          onMessage(listener) {
            receive = listener
          },
        },
        { socket },
      )
      clients.set(socket, { receive, closed })
    },
    async message(socket, message) {
      try {
        await clients.get(socket)!.receive(platform.textOf(message))
      } catch (error) {
        socket.close(internalServerError, 'Internal server error')
        // Before that, the error would end the connection with 1011.
        await socket.closed
        throw error
      }
    },
    close: (socket, { code, reason }) => clients.get(socket)?.closed(code, reason),
  }
}

/** Sends a message. The promise is there if the client lags behind, and ends when it has caught up, or is gone. */
function sent<Data>(socket: ServerSocket<Data>, data: string): Promise<void> | undefined {
  return socket.send(data) === 'buffered' ? socket.drained().catch(() => {}) : undefined
}
