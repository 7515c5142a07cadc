import type { CloseResult } from '../core/connection-types.js'
import { UsageError } from '../core/errors.js'
import type { ServerHandlers } from '../server/handler-types.js'
import type { Server, ServerSocket } from '../server/server-types.js'
import * as platform from './platform.js'

/** The gateways of NestJS that share a port and a path. */
export interface NestGateway<Data = undefined> {
  /** The handlers for `attach`. */
  readonly handlers: ServerHandlers<Data>
  /** The path in the options of the gateway, '/' by default. A pattern such as '/rooms/:id' may be used. */
  readonly path: string
  /** The port that the gateway names; 0 means that of the app. */
  readonly port: number
}

interface Observable {
  subscribe(observer: { next(value: unknown): void; error(error: unknown): void; complete(): void }): {
    unsubscribe(): void
  }
}

interface MessageHandler {
  readonly message: unknown
  callback(...values: unknown[]): unknown
}

/** The handlers of one gateway for one client, and what makes an Observable of their results. */
interface Binding {
  readonly handlers: ReadonlyMap<unknown, MessageHandler>
  readonly transform: (result: unknown) => Observable
}

class NestClient {
  readonly bindings: Binding[] = []
  readonly whenClosed: ((result: CloseResult) => unknown)[] = []
  readonly subscriptions = new Set<{ unsubscribe(): void }>()
}

/**
 * The WebSocketAdapter of NestJS. Gateways exchange the messages that they know from NestJS's adapter of ws: JSON with
 * `event` and `data`.
 *
 * ```ts
 * app.useWebSocketAdapter(
 *   new NestAdapter(({ handlers, path }) => attach(app.getHttpServer(), { path, ...handlers })),
 * )
 * ```
 *
 * The function starts a server for each port and path that gateways name; it may add `upgrade`, `use` and all other options.
 * @remarks A client of a gateway is the connection, `@WebSocketServer()` is the server, the second argument of
 * `handleConnection` is `socket.request`, and that of `handleDisconnect` has `code`, `reason` and `wasClean`. An error that
 * no exception filter takes goes to the handler `error`, and closes the connection.
 */
export class NestAdapter<Data = undefined> {
  readonly #start: (gateway: NestGateway<Data>) => Server<Data>
  readonly #connectListeners = new WeakMap<Server<Data>, ((...values: unknown[]) => unknown)[]>()
  readonly #clients = new WeakMap<ServerSocket<Data>, NestClient>()

  constructor(start: (gateway: NestGateway<Data>) => Server<Data>) {
    this.#start = start
  }

  create(
    port: number,
    { path = '/', namespace }: { readonly path?: string; readonly namespace?: string } = {},
  ): Server<Data> {
    if (namespace !== undefined)
      throw new UsageError('optionInvalid', 'a gateway has a namespace, which only Socket.IO knows; give it a path')
    const listeners: ((...values: unknown[]) => unknown)[] = []
    const handlers: ServerHandlers<Data> = {
      open: (socket) => {
        this.#clients.set(socket, new NestClient())
        for (const listener of listeners) listener(socket, socket.request)
      },
      message: (socket, message) => this.#receive(socket, platform.textOf(message)),
      close: (socket, result) => {
        const client = this.#clients.get(socket)
        if (client === undefined) return
        for (const subscription of client.subscriptions) subscription.unsubscribe()
        for (const listener of client.whenClosed) listener(result)
      },
    }
    const server = this.#start({ handlers, path: path.startsWith('/') ? path : `/${path}`, port })
    this.#connectListeners.set(server, listeners)
    return server
  }

  bindClientConnect(server: Server<Data>, listener: (...values: unknown[]) => unknown): void {
    this.#connectListeners.get(server)?.push(listener)
  }

  bindClientDisconnect(socket: ServerSocket<Data>, listener: (result: CloseResult) => unknown): void {
    this.#clients.get(socket)?.whenClosed.push(listener)
  }

  bindMessageHandlers(
    socket: ServerSocket<Data>,
    handlers: readonly MessageHandler[],
    transform: (result: unknown) => Observable,
  ): void {
    const byMessage = new Map(handlers.map((handler) => [handler.message, handler]))
    this.#clients.get(socket)?.bindings.push({ handlers: byMessage, transform })
  }

  /** NestJS calls it for a client that connected before the app was ready. */
  closeClient(socket: ServerSocket<Data>): void {
    socket.close(1013, 'The server is starting')
  }

  close(server: Server<Data>): Promise<void> {
    return server.close()
  }

  /** Resolves when all that the gateways answer to a message is sent. */
  async #receive(socket: ServerSocket<Data>, text: string): Promise<void> {
    const message = parse(text)
    const client = this.#clients.get(socket)
    if (message === undefined || client === undefined) return
    await Promise.all(
      client.bindings.map(({ handlers, transform }) => {
        const handler = handlers.get(message.event)
        return handler && answer(socket, client, transform(handler.callback(message.data, message.event)))
      }),
    )
  }
}

/** Sends what a gateway answers, until it has no more, or the client is gone. */
function answer<Data>(socket: ServerSocket<Data>, client: NestClient, answers: Observable): Promise<void> {
  return new Promise((resolve, reject) => {
    let subscription: { unsubscribe(): void } | undefined
    const end = (): void => {
      if (subscription !== undefined) client.subscriptions.delete(subscription)
    }
    subscription = answers.subscribe({
      next: (value) => {
        if (value !== undefined && value !== null) socket.send(JSON.stringify(value))
      },
      error: (error) => {
        end()
        reject(error)
      },
      complete: () => {
        end()
        resolve()
      },
    })
    client.subscriptions.add(subscription)
  })
}

/** Undefined for a text that is no message of a gateway; NestJS's own adapter ignores it too. */
function parse(text: string): { readonly event: unknown; readonly data: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as { event: unknown; data: unknown }) : undefined
  } catch {
    return undefined
  }
}
