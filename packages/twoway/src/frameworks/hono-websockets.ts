import type { UpgradeAnswer } from '../server/answer-types.js'
import type { ServerHandlers, UpgradeContext } from '../server/handler-types.js'
import type { ServerSocket } from '../server/server-types.js'
import { arrayBufferOf } from './array-buffer-of.js'
import { CloseEvent, ErrorEvent } from './events.js'
import * as platform from './platform.js'
import { acceptanceOf, webRequest } from './web-request.js'

/** A Hono app. */
export interface HonoApp {
  fetch(request: Request, env: object): Response | Promise<Response>
}

/** The part of a context of Hono that is used. */
interface HonoContext {
  readonly req: { readonly url: string; header(name: string): string | undefined }
  readonly env: unknown
}

/** The functions that a route of Hono gives. */
interface HonoEvents {
  readonly onOpen?: ((event: never, socket: never) => unknown) | undefined
  readonly onMessage?: ((event: never, socket: never) => unknown) | undefined
  readonly onClose?: ((event: never, socket: never) => unknown) | undefined
  readonly onError?: ((event: never, socket: never) => unknown) | undefined
}

/** The socket as Hono's functions get it: a WSContext. */
interface HonoSocket {
  readonly raw: ServerSocket<HonoConnection>
  readonly url: URL
  readonly protocol: string
  readonly binaryType: 'arraybuffer'
  readonly readyState: number
  send(source: string | ArrayBuffer | Uint8Array, options?: { readonly compress?: boolean }): void
  close(code?: number, reason?: string): void
}

/** The `data` of a connection that a route of Hono has accepted. */
export interface HonoConnection {
  readonly events: HonoEvents
  readonly url: string
  socket: HonoSocket | undefined
}

/** The member of `env` by which a route accepts the handshake that the app is asked about. */
const offerKey: unique symbol = Symbol('twoway.hono')

interface Offer {
  accepted: HonoConnection | undefined
}

/** `defineWebSocketHelper` of `hono/ws`. */
export type HonoHelper<Context, Events, Upgrade> = (
  handler: (context: Context, events: Events) => Response | undefined,
) => Upgrade

export interface HonoWebSockets<Upgrade> {
  /** For the routes of the app, as `upgradeWebSocket` of Hono's own adapters. */
  readonly upgradeWebSocket: Upgrade
  /** The handlers for `serve`, `attach` or `upgrader`. */
  readonly handlers: ServerHandlers<HonoConnection>
}

/**
 * WebSockets as routes of a Hono app. Each handshake is a request to the app: its middleware runs, and the answer of a route
 * that does not call `upgradeWebSocket` refuses the client.
 *
 * ```ts
 * const app = new Hono()
 * const { upgradeWebSocket, handlers } = honoWebSockets(app, defineWebSocketHelper)
 * app.get('/echo', upgradeWebSocket(() => ({ onMessage: ({ data }, socket) => socket.send(data) })))
 * attach(serve({ fetch: app.fetch, port: 3000 }), handlers)
 * ```
 *
 * The second argument is Hono's own function of `hono/ws`, from which `upgradeWebSocket` gets its type. `socket.raw` is the
 * connection.
 * @remarks `env.incoming` of a context is the IncomingMessage, as with `@hono/node-server`; with `serve` of this package
 * there is none.
 */
export function honoWebSockets<Context, Events, Upgrade>(
  app: HonoApp,
  defineWebSocketHelper: HonoHelper<Context, Events, Upgrade>,
): HonoWebSockets<Upgrade> {
  return {
    upgradeWebSocket: defineWebSocketHelper((context, events) => accept(context as HonoContext, events as HonoEvents)),
    handlers: {
      upgrade: (request, context) => ask(app, webRequest(request), context),
      open(socket) {
        const { data } = socket
        data.socket = honoSocket(socket)
        return data.events.onOpen?.(new platform.Event('open') as never, data.socket as never)
      },
      message: ({ data }, message) =>
        data.events.onMessage?.(
          platform.newMessageEvent(typeof message === 'string' ? message : arrayBufferOf(message)) as never,
          data.socket as never,
        ),
      close: ({ data }, result) => data.events.onClose?.(new CloseEvent(result) as never, data.socket as never),
      error: (socket, error) =>
        socket?.data.events.onError?.(new ErrorEvent(error) as never, socket.data.socket as never),
    },
  }
}

/** The answer of a route to a handshake; undefined for another request, and the next route decides. */
function accept({ req, env }: HonoContext, events: HonoEvents): Response | undefined {
  if (req.header('upgrade')?.toLowerCase() !== 'websocket') return undefined
  const offer = (env as { readonly [offerKey]?: Offer } | undefined)?.[offerKey]
  if (offer !== undefined) offer.accepted = { events, url: req.url, socket: undefined }
  return platform.newResponse()
}

async function ask(app: HonoApp, request: Request, context: UpgradeContext): Promise<UpgradeAnswer<HonoConnection>> {
  const offer: Offer = { accepted: undefined }
  const env = {
    get incoming() {
      return context.nodeRequest
    },
    [offerKey]: offer,
  }
  const response = await app.fetch(request, env)
  if (offer.accepted === undefined || !response.ok) return response
  return { data: offer.accepted, ...acceptanceOf(response.headers) }
}

function honoSocket(socket: ServerSocket<HonoConnection>): HonoSocket {
  return {
    raw: socket,
    url: new platform.URL(socket.data.url),
    protocol: socket.protocol,
    binaryType: 'arraybuffer',
    get readyState() {
      return socket.readyState
    },
    send(source, options) {
      socket.send(source, options)
    },
    close: (code, reason) => socket.close(code, reason),
  }
}
