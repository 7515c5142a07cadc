import type { TopicPosition } from '../ports/broker/topic-position.js'
import type { PlatformAbortSignal } from '../ports/platform-types.js'
import type { Json, Member } from '../subprotocol/messages.js'
import type { StandardSchema } from './schema.js'

/** The data of a message: anything that JSON can hold, or bytes. */
export type HubData = Json | Uint8Array

/** A client of the hub, as rules and handlers see it. */
export interface HubClient<Request = unknown> {
  /** The name of the connection: that of its socket. */
  readonly id: string
  /** The `user` that `authenticate` returned; the id of the connection if there is none. */
  readonly user: string
  /** The part of the user that others see: `info` of `authenticate`. */
  readonly info: Json | undefined
  /** The `claims` that `authenticate` returned, for rules and handlers alone. */
  readonly claims: unknown
  /** The request of the opening handshake. */
  readonly request: Request
}

/** The result of `authenticate`. */
export interface Identity {
  /** The name of the user: presence counts users, not connections. */
  readonly user?: string | undefined
  /** The part of the user that others may see, in presence. */
  readonly info?: Json | undefined
  /** Facts for rules and handlers, such as roles. They are never sent. */
  readonly claims?: unknown
  /** Milliseconds after which the credentials expire. The client renews them before that, or is disconnected. */
  readonly expiresInMs?: number | undefined
}

/** Whether a client may do something with a topic: yes or no for all, or a function that decides. */
export type Permission<Request = unknown> =
  | boolean
  | ((client: HubClient<Request>, topic: string) => boolean | Promise<boolean>)

/** The rule for all topics that match a pattern. */
export interface TopicRule<Request = unknown> {
  /**
   * The clients that may subscribe. A client that asks for a pattern needs a rule whose own pattern covers all of it.
   * @default true
   */
  readonly subscribe?: Permission<Request> | undefined
  /**
   * The clients that may publish.
   * @default false
   */
  readonly publish?: Permission<Request> | undefined
  /**
   * Whether subscribers are members of the topic's presence, and may ask for it.
   * @default false
   */
  readonly presence?: boolean | undefined
  /**
   * Whether published messages are stored. If not, all are volatile: sent at most once, without a position.
   * @default true
   */
  readonly store?: boolean | undefined
  /** The schema of the data, checked before a client's message is published. */
  readonly schema?: StandardSchema | undefined
}

export interface RequestContext<Request = unknown> {
  readonly client: HubClient<Request>
  /** Aborted when the client cancels or leaves, or the time is over. */
  readonly signal: PlatformAbortSignal
}

/**
 * Answers a request: with a value or a promise of one, or with an async iterable, whose values are sent one by one. An
 * error that it throws is sent as `failed` without its text, unless it is a HubError.
 */
export type RequestHandler<Input, Output, Request = unknown> = (
  input: Input,
  context: RequestContext<Request>,
) => Output | Promise<Output> | AsyncIterable<Output>

export interface RequestRule<Input = never, Output = unknown, Request = unknown> {
  /** The schema of the request's data, checked before the handler is called. */
  readonly input?: StandardSchema<unknown, Input> | undefined
  handle: RequestHandler<Input, Output, Request>
}

export interface PublishSettings {
  /** A name for this publish: the same one again within the broker's window takes effect once. */
  readonly key?: string | undefined
  /**
   * Whether the message is sent without being stored: it has no position, and a client that lags behind does not get it.
   * @default false
   */
  readonly volatile?: boolean | undefined
}

/** A message of a topic, as the server's own listeners get it. */
export interface HubMessage {
  readonly topic: string
  readonly data: HubData
  /** The user who published it; undefined for the server. */
  readonly from: string | undefined
  /** Its position in the topic; undefined for a volatile message. */
  readonly position: TopicPosition | undefined
  /** The key of a volatile message. */
  readonly key: string | undefined
}

/** The presence of a topic. */
export interface Presence {
  /** The members, each user once. */
  readonly members: readonly Member[]
  /** Grows with each change that this process has seen. */
  readonly version: number
  /** Whether the broker is away, so that members of other processes may have come or gone unseen. */
  readonly stale: boolean
}
