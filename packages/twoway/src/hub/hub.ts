import { isThenable } from '../core/is-thenable.js'
import type { historyOptions } from '../core/limits.js'
import { openPipe, type Pipeable } from '../core/message-pipe.js'
import { type HasHubMetrics, type HubMetrics, hubMetrics } from '../core/observing/hub-metrics.js'
import type { OptionsOf } from '../core/options/option.js'
import { settleOptions } from '../core/options/settle-options.js'
import type { PreparesMessages } from '../core/prepared-message.js'
import { UsageError } from '../core/usage-error.js'
import type { BrokerContent, ResumableBroker } from '../ports/broker/broker.js'
import type { TopicPosition } from '../ports/broker/topic-position.js'
import type { Clock } from '../ports/clock.js'
import type { Diagnostics } from '../ports/diagnostics.js'
import type { Payload } from '../ports/payload.js'
import type { Random } from '../ports/random.js'
import { type Json, subprotocolName } from '../subprotocol/messages.js'
import { defaultDedupe, MemoryBroker } from '../topics/memory-broker.js'
import { randomName } from '../topics/random-name.js'
import { faultOfPattern } from '../topics/topic-name.js'
import { HubCore } from './hub-core.js'
import { unavailable } from './hub-error.js'
import { type hubLimitOptions, hubTable } from './hub-options.js'
import type {
  HubClient,
  HubData,
  HubMessage,
  Identity,
  Presence,
  PublishSettings,
  RequestHandler,
  RequestRule,
  TopicRule,
} from './hub-types.js'
import { checkTopic } from './server-publish.js'
import { HubSession } from './session/hub-session.js'
import type { SessionSocket } from './session/session-types.js'
import { decodeContent } from './topics/content.js'
import { malformed } from './topics/hub-message.js'
import { TopicRules } from './topics/topic-rules.js'

// biome-ignore lint/suspicious/noExplicitAny: a table of rules whose inputs differ
export type AnyRequest = RequestRule<any, any, any> | RequestHandler<any, any, any>

/** The options of `createHub`. */
export interface HubOptions<
  Topics extends Readonly<Record<string, TopicRule<never>>>,
  Requests extends Readonly<Record<string, AnyRequest>>,
  Request,
> extends OptionsOf<typeof historyOptions>,
    OptionsOf<typeof hubLimitOptions> {
  /**
   * The topics that clients may use, by name or pattern. The first rule that matches counts; a topic that none matches does
   * not exist for clients.
   */
  readonly topics?: Topics | undefined
  /** The requests that clients may make, by name. */
  readonly requests?: Requests | undefined
  /**
   * Says who a client is: by the request of its opening handshake (a cookie, a header), by the `data` that `upgrade` of
   * `hub.handlers` returned for it, or by the token of its first message.
   * Throw a HubError, or return nothing, to refuse it. It is called again when a client renews its token. Without this
   * function all clients are anonymous.
   */
  readonly authenticate?:
    | ((credentials: {
        readonly token: Json | undefined
        readonly request: Request
        // biome-ignore lint/suspicious/noExplicitAny: its type is that of the server's handlers, which come later
        readonly data: any
      }) => Identity | undefined | Promise<Identity | undefined>)
    | undefined
  /**
   * The broker that processes share.
   * @default one in the memory of this process; in a worker of `serveWorkers` that of its parent
   */
  readonly broker?: ResumableBroker | undefined
  /**
   * Called with an error that a rule, a handler, `authenticate` or the broker threw. A HubError that is the client's fault is
   * not reported.
   * @default prints it
   */
  readonly error?: ((error: unknown, client: HubClient<Request> | undefined) => void) | undefined
}

/** The handlers of a server, as far as a hub stands before them. */
export interface WrappedHandlers {
  readonly upgrade: (request: never, context: never) => unknown
  readonly open: (socket: never) => unknown
  readonly message: (socket: never, message: string | Uint8Array) => unknown
  readonly drain: (socket: never) => unknown
  readonly close: (socket: never, result: never) => unknown
}

/** The connection of a server, as far as a hub uses it. */
interface HubSocket extends Pipeable, SessionSocket {
  readonly protocol: string
  readonly server: PreparesMessages
}

/** Topics, requests and presence for clients that speak the subprotocol twoway.1. */
export interface HubBase<Request> {
  /** The clients of this process that have introduced themselves. */
  readonly clients: ReadonlySet<HubClient<Request>>
  /**
   * Publishes to a topic, and resolves to the position of the message when it is stored; to undefined if the topic stores
   * nothing or the message is volatile. Rejects with a HubError if no rule covers the topic or the broker is away: the
   * message may then have been stored; publish it again with the same `key`.
   */
  publish(topic: string, data: HubData, settings?: PublishSettings): Promise<TopicPosition | undefined>
  /**
   * Listens to a topic or pattern on the server, for code that stores, counts or answers messages. An error that one of both
   * throws is reported. `gap` is called when messages of a topic are missing. Resolves to a function that ends it. Rejects
   * with a HubError if no rule covers the topic, or the broker is away.
   * @remarks The listener is called in this process alone, before `publish` resolves if the broker is in this process.
   */
  subscribe(
    topic: string,
    listener: (message: HubMessage) => void,
    gap?: (topic: string, reason: string) => void,
  ): Promise<() => void>
  /** The presence of a topic. */
  presence(topic: string): Promise<Presence>
  /** Ends the connections of a user in this process, and returns their number. They get the error `forbidden`. */
  disconnect(user: string, reason?: string): number
  /** Counts since the start, and of this moment. A server with the handlers of this hub has them as `metrics().hub`. */
  metrics(): HubMetrics
  /** Leaves all topics. The connections are the server's: close it first. */
  close(): void
}

export interface HubPorts {
  readonly clock: Clock
  readonly random: Random
  readonly payload: Payload
  readonly diagnostics?: Diagnostics | undefined
  /** The broker of this process, if it is a worker whose parent has one. */
  readonly parentBroker?: (() => ResumableBroker | undefined) | undefined
  report(error: unknown): void
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

/** A hub, with the handlers that connect it to a server. */
export class Hub implements HubBase<unknown> {
  readonly #core: HubCore

  constructor(
    options: HubOptions<Readonly<Record<string, TopicRule<never>>>, Readonly<Record<string, AnyRequest>>, unknown>,
    { clock, random, payload, diagnostics, parentBroker, report }: HubPorts,
  ) {
    const {
      topics = {},
      requests = {},
      authenticate,
      broker,
      error,
      ...limits
    } = settleOptions(options, hubTable, {
      name: 'createHub()',
    }) as typeof options & HubCore['limits']
    const shared = broker ?? parentBroker?.()
    const { historyCount: count, historyBytes: bytes, historyAgeMs: ageMs, maxTopics } = limits
    this.#core = new HubCore({
      rules: new TopicRules(topics as Readonly<Record<string, TopicRule>>),
      requests: readRequests(requests as Readonly<Record<string, AnyRequest>>),
      limits,
      broker:
        shared ??
        new MemoryBroker({
          history: { count, bytes, ageMs },
          totalBytes: limits.historyTotalBytes,
          dedupe: defaultDedupe,
          maxTopics,
          clock,
          random,
          payload,
        }),
      isShared: shared !== undefined,
      hub: this,
      diagnostics,
      clock,
      node: randomName(random),
      authenticate: authenticate ?? (() => ({})),
      report(thrown, client) {
        if (error === undefined) report(thrown)
        else error(thrown, client)
      },
    })
  }

  /** The handlers for `serve`: those given are called for clients that do not speak twoway.1. */
  handlers(plain: Partial<WrappedHandlers> = {}): WrappedHandlers {
    const isOurs = (socket: never): boolean => (socket as HubSocket).protocol === subprotocolName
    const handlers: WrappedHandlers & HasHubMetrics = {
      [hubMetrics]: () => this.metrics(),
      ...plain,
      upgrade: (request, context) => {
        const answer = plain.upgrade?.(request, context)
        return isThenable(answer)
          ? Promise.resolve(answer).then((settled) => withProtocol(request, settled))
          : withProtocol(request, answer)
      },
      open: (socket) => (isOurs(socket) ? this.#attach(socket) : plain.open?.(socket)),
      message: (socket, message) => plain.message?.(socket, message),
      drain: (socket) => (isOurs(socket) ? undefined : plain.drain?.(socket)),
      close: (socket, result) => (isOurs(socket) ? undefined : plain.close?.(socket, result)),
    }
    return handlers
  }

  get clients(): ReadonlySet<HubClient> {
    return new Set(this.#core.sessions)
  }

  publish(topic: string, data: HubData, settings: PublishSettings = {}): Promise<TopicPosition | undefined> {
    return this.#core.publishData(topic, data, settings)
  }

  async subscribe(
    topic: string,
    listener: (message: HubMessage) => void,
    gap: (topic: string, reason: string) => void = () => undefined,
  ): Promise<() => void> {
    const fault = faultOfPattern(topic)
    if (fault !== undefined) throw new UsageError('topicInvalid', fault)
    const call = (run: () => void): void => {
      try {
        run()
      } catch (error) {
        this.#core.report(error)
      }
    }
    const tell = (name: string, content: BrokerContent, position: TopicPosition | undefined): void =>
      call(() => {
        const { from, key, data } = decodeContent(content)
        listener({ topic: name, data, from, key, position })
      })
    const { opened, end } = this.#core.listen(topic, {
      stored({ topic: name, content, position }) {
        if (content !== undefined) tell(name, content, position)
        else call(() => gap(name, malformed))
      },
      volatile: (name, content) => tell(name, content, undefined),
      gap: (name, reason) => call(() => gap(name, reason)),
    })
    try {
      await opened
    } catch (error) {
      end()
      throw unavailable(error)
    }
    return end
  }

  async presence(topic: string): Promise<Presence> {
    checkTopic(topic)
    return this.#core.presenceOf(topic)
  }

  disconnect(user: string, reason = 'the server has disconnected this user'): number {
    const sessions = [...this.#core.sessions].filter((session) => session.user === user)
    for (const session of sessions) session.disconnect('forbidden', reason)
    return sessions.length
  }

  metrics(): HubMetrics {
    return this.#core.metrics()
  }

  close(): void {
    this.#core.close()
  }

  #attach(given: never): void {
    const socket = given as HubSocket
    this.#core.setServer(socket.server)
    const pipe = socket[openPipe]({
      open: () => undefined,
      message: (message) => session.received(message),
      drain: () => session.drained(),
      closed: () => session.closed(),
    })
    const session = new HubSession(this.#core, socket, pipe)
  }
}

/** An acceptance of `upgrade` with our subprotocol, if the client offers it. A refusal stays one. */
function withProtocol(request: { readonly protocols: readonly string[] }, answer: unknown): unknown {
  if (!request.protocols.includes(subprotocolName)) return answer
  if (answer === undefined) return { protocol: subprotocolName, messageStream: false }
  const isRefusal = isObject(answer) && (answer as { readonly status?: unknown }).status !== undefined
  return isRefusal || !isObject(answer)
    ? answer
    : { ...(answer as object), protocol: subprotocolName, messageStream: false }
}

function readRequests(requests: Readonly<Record<string, AnyRequest>>): ReadonlyMap<string, RequestRule> {
  return new Map(
    Object.entries(requests).map(([name, request]) => {
      const rule = typeof request === 'function' ? { handle: request } : request
      if (typeof rule?.handle === 'function') return [name, rule as unknown as RequestRule]
      throw new UsageError(
        'optionInvalid',
        `the request "${name}" must be a function, or an object with one named handle`,
      )
    }),
  )
}
