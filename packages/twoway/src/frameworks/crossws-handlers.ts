import { UsageError } from '../core/errors.js'
import type { HttpAnswer, UpgradeAnswer } from '../server/answer-types.js'
import type { ServerHandlers } from '../server/handler-types.js'
import type { IncomingRequest } from '../server/handshake/incoming-request.js'
import { CrosswsMessage } from './crossws-message.js'
import { type CrosswsConnection, CrosswsPeer, type CrosswsPeers, publishTo } from './crossws-peer.js'
import * as platform from './platform.js'
import { acceptanceOf, webRequest } from './web-request.js'

/** Hooks of crossws, as `defineHooks` and `defineWebSocket` of h3 take them. Twoway answers Pings itself, and reports none. */
export interface CrosswsHooks {
  upgrade?(request: never): unknown
  open?(peer: never): unknown
  message?(peer: never, message: never): unknown
  drain?(peer: never): unknown
  close?(peer: never, details: never): unknown
  error?(peer: never, error: never): unknown
}

/** An app that answers a handshake with hooks, such as one of h3 with `defineWebSocketHandler`. */
export interface CrosswsApp {
  fetch(request: Request): unknown
}

export interface CrosswsHandlers {
  /** The handlers for `serve`, `attach` or `upgrader`. */
  readonly handlers: ServerHandlers<CrosswsConnection>
  /** Sends a message to all subscribers of a topic, or to those of one namespace: by default a namespace is a path. */
  publish(topic: string, data: unknown, options?: { readonly namespace?: string; readonly compress?: boolean }): void
}

/** The result of the hook `upgrade` that accepts the client. */
interface HookAcceptance {
  readonly headers?: HeadersInit
  readonly protocol?: string
  readonly namespace?: string
  readonly context?: Record<string, unknown>
  readonly perMessageDeflate?: unknown
  readonly handled?: boolean
}

/** The member of a request by which h3 and others tell the hooks of a route. */
const hooksKey: unique symbol = Symbol.for('crossws.hooks') as never

/**
 * Runs hooks of crossws: given as they are, or those of the routes of an app of h3, whose middleware runs for each handshake.
 * The app's answer refuses the client if the route has no hooks.
 *
 * ```ts
 * const app = new H3().get('/chat', defineWebSocketHandler({ message: (peer, message) => peer.send(message.text()) }))
 * const { handlers } = crosswsHandlers(app)
 * attach(createServer(toNodeHandler(app)).listen(3000), handlers)
 * ```
 *
 * `peer.websocket` is the connection.
 */
export function crosswsHandlers(source: CrosswsHooks | CrosswsApp): CrosswsHandlers {
  const namespaces = new Map<string, CrosswsPeers>()

  /** Calls a hook of a connection. */
  const call = (name: keyof CrosswsHooks, { hooks, peer }: CrosswsConnection, value?: unknown): unknown =>
    hooks[name]?.(peer as never, value as never)

  return {
    handlers: {
      upgrade: (request) => decide(source, request),
      open(socket) {
        const { data } = socket
        const peers: CrosswsPeers = namespaces.get(data.namespace) ?? new Set()
        namespaces.set(data.namespace, peers)
        data.peer = new CrosswsPeer(socket, peers)
        peers.add(data.peer)
        return call('open', data)
      },
      message: ({ data }, message) => call('message', data, new CrosswsMessage(message, data.peer!)),
      drain: ({ data }) => call('drain', data),
      close({ data }, { code, reason }) {
        const { peers } = data.peer!
        peers.delete(data.peer!)
        if (peers.size === 0) namespaces.delete(data.namespace)
        return call('close', data, { code, reason })
      },
      error: (socket, error) => socket && call('error', socket.data, error),
    },
    publish(topic, data, { namespace, ...options } = {}) {
      const chosen = namespace === undefined ? namespaces.values() : [namespaces.get(namespace) ?? []]
      for (const peers of chosen) publishTo(peers, topic, data, options)
    },
  }
}

async function decide(
  source: CrosswsHooks | CrosswsApp,
  incoming: IncomingRequest,
): Promise<UpgradeAnswer<CrosswsConnection>> {
  const request = Object.assign(webRequest(incoming), { context: {} })
  const found = await hooksOf(source, request)
  if (!('hooks' in found)) return found.refusal
  const { hooks } = found
  let result: HookAcceptance | HttpAnswer | undefined
  try {
    result = (await hooks.upgrade?.(request as never)) as HookAcceptance | HttpAnswer | undefined
  } catch (error) {
    // A hook may throw a Response, or an error that has one.
    const response = (error as { readonly response?: unknown } | undefined)?.response ?? error
    if (!isResponse(response)) throw error
    result = response
  }
  if (isResponse(result)) return result
  const { headers, protocol, namespace, context, perMessageDeflate, handled } = (result ?? {}) as HookAcceptance
  if (handled === true)
    throw new UsageError(
      'upgradeAnswerInvalid',
      'the hook upgrade returned `handled: true`: pass the upgrade to `upgrader` in a server of crossws instead',
    )
  const acceptance = acceptanceOf(platform.newHeaders(headers))
  return {
    headers: acceptance.headers,
    protocol: protocol ?? acceptance.protocol,
    perMessageDeflate: perMessageDeflate !== false,
    data: {
      hooks: hooks as CrosswsConnection['hooks'],
      request,
      namespace: namespace ?? new platform.URL(request.url).pathname,
      context: Object.assign(request.context, context),
      peer: undefined,
    },
  }
}

/** The hooks for a request, or the app's answer if it has none. */
async function hooksOf(
  source: CrosswsHooks | CrosswsApp,
  request: Request,
): Promise<{ readonly hooks: CrosswsHooks } | { readonly refusal: HttpAnswer }> {
  if (!('fetch' in source)) return { hooks: source }
  const answer = (await source.fetch(request)) as HttpAnswer & { readonly crossws?: CrosswsHooks }
  // Middleware may have replaced the answer of the route by a refusal of its own, which has no hooks and another status.
  const hooks =
    answer.crossws ?? (answer.status === 426 ? (request as { [hooksKey]?: CrosswsHooks })[hooksKey] : undefined)
  return hooks === undefined ? { refusal: answer } : { hooks }
}

function isResponse(value: unknown): value is HttpAnswer {
  return Object.prototype.toString.call(value) === '[object Response]'
}
