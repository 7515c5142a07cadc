import type { ServerHandlers } from '../server/handler-types.js'
import type { IncomingRequest } from '../server/handshake/incoming-request.js'
import type { NodeRequest } from '../server/node-types.js'
import type { OutgoingPiece, ServerSocket } from '../server/server-types.js'
import * as platform from './platform.js'

type Listener = (...values: never[]) => void

/** Calls listeners by the name of an event. */
class Listeners {
  readonly #byName = new Map<string, Listener[]>()

  on(name: string, listener: Listener): this {
    const listeners = this.#byName.get(name)
    if (listeners === undefined) this.#byName.set(name, [listener])
    else listeners.push(listener)
    return this
  }

  once(name: string, listener: Listener): this {
    const first: Listener = (...values) => {
      this.off(name, first)
      listener(...values)
    }
    return this.on(name, first)
  }

  off(name: string, listener: Listener): this {
    const rest = this.#byName.get(name)?.filter((each) => each !== listener) ?? []
    this.#byName.set(name, rest)
    return this
  }

  call(name: string, ...values: unknown[]): void {
    for (const listener of [...(this.#byName.get(name) ?? [])]) listener(...(values as never[]))
  }
}

/** The members of a client that tRPC and functions of its users use: those of ws. */
class TrpcClient<Data> extends Listeners {
  /** The connection, for what the client does not have. */
  readonly socket: ServerSocket<Data>

  constructor(socket: ServerSocket<Data>) {
    super()
    this.socket = socket
  }

  get readyState(): number {
    return this.socket.readyState
  }

  get protocol(): string {
    return this.socket.protocol
  }

  get bufferedAmount(): number {
    return this.socket.bufferedAmount
  }

  send(message: OutgoingPiece): void {
    this.socket.send(message)
  }

  close(code?: number, reason?: string): void {
    this.socket.close(code, reason)
  }

  terminate(): void {
    this.socket.terminate()
  }
}

/** The part of a server of ws that tRPC uses. */
class TrpcClients<Data> extends Listeners {
  readonly clients = new Set<TrpcClient<Data>>()
}

export interface TrpcServer<Data> {
  /** The option `wss` of `applyWSSHandler`. */
  // biome-ignore lint/suspicious/noExplicitAny: tRPC names the whole class of ws, of which it uses `on` and `clients`
  readonly wss: any
  /** The handlers for `attach` or `upgrader`. */
  readonly handlers: ServerHandlers<Data>
}

/**
 * Serves a router of tRPC 11 by its own `applyWSSHandler`:
 *
 * ```ts
 * const { wss, handlers } = trpcServer()
 * attach(httpServer, { path: '/trpc', ...handlers })
 * const { broadcastReconnectNotification } = applyWSSHandler({ wss, router, createContext })
 * ```
 *
 * `upgrade` decides on handshakes as it does for `attach`. Twoway's heartbeat makes `keepAlive` of tRPC unnecessary.
 * @remarks In `createContext`, `req` is the IncomingMessage of the handshake and `res.socket` the connection.
 */
export function trpcServer<Data = undefined>({
  upgrade,
}: Pick<ServerHandlers<Data>, 'upgrade'> = {}): TrpcServer<Data> {
  const wss = new TrpcClients<Data>()
  const requests = new WeakMap<IncomingRequest, NodeRequest>()
  const clients = new WeakMap<ServerSocket<Data>, TrpcClient<Data>>()
  return {
    wss,
    handlers: {
      upgrade(request, context) {
        requests.set(request, context.nodeRequest)
        return upgrade?.(request, context)
      },
      open(socket) {
        const client = new TrpcClient(socket)
        clients.set(socket, client)
        wss.clients.add(client)
        wss.call('connection', client, requests.get(socket.request))
      },
      message(socket, message) {
        const isBinary = typeof message !== 'string'
        // tRPC takes text only as a Buffer.
        clients.get(socket)?.call('message', isBinary ? message : platform.bufferOf(message), isBinary)
      },
      close(socket, { code, reason }) {
        const client = clients.get(socket)
        if (client === undefined) return
        wss.clients.delete(client)
        client.call('close', code, platform.bufferOf(reason))
      },
      error(socket, error) {
        if (socket !== undefined) clients.get(socket)?.call('error', error)
      },
    },
  }
}
