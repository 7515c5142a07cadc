/**
 * The messages of the subprotocol twoway.1, as docs/reference/protocol.md specifies them. Each is a text message with one JSON object.
 * With `bin` a binary message follows it at once, and holds the data.
 */

/** The name in Sec-WebSocket-Protocol. */
export const subprotocolName = 'twoway.1'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** A position in a topic: epoch, offset and mark. */
export type WirePosition = readonly [epoch: string, offset: number, mark: string]

/** How a client that lags behind is served on one subscription. */
export type SlowPolicy = 'catch-up' | 'close' | 'latest'

interface WithData {
  readonly data?: Json
  readonly bin?: true
}

interface Asking {
  /** Chosen by the client: a whole number that none of its pending questions has. */
  readonly id: number
}

export interface HelloMessage {
  readonly t: 'hello'
  readonly token?: Json | undefined
}
export interface AuthMessage extends Asking {
  readonly t: 'auth'
  readonly token: Json
}
export interface SubscribeMessage extends Asking {
  readonly t: 'sub'
  readonly topic: string
  /** The position after which the messages are wanted. */
  readonly at?: WirePosition | undefined
  /** The number of older messages that are wanted, if there is no position. */
  readonly last?: number | undefined
  /** Whether the presence of the topic is wanted too. */
  readonly who?: boolean | undefined
  readonly slow?: SlowPolicy | undefined
  /** Whether the messages before the first live one may come as `run`. */
  readonly run?: boolean | undefined
}
export interface UnsubscribeMessage extends Asking {
  readonly t: 'unsub'
  readonly topic: string
}
export interface PublishMessage extends Asking, WithData {
  readonly t: 'pub'
  readonly topic: string
  /** A name for this publish: the same one again within the window takes effect once. */
  readonly key?: string | undefined
  /** The trace that the publish is a part of, by W3C Trace Context. */
  readonly traceparent?: string | undefined
  readonly tracestate?: string | undefined
}
export interface VolatileMessage extends WithData {
  readonly t: 'vol'
  readonly topic: string
  /** Of several messages with the same key, only the newest matters. */
  readonly key?: string | undefined
}
export interface HistoryMessage extends Asking {
  readonly t: 'hist'
  readonly topic: string
  readonly at?: WirePosition | undefined
  readonly last?: number | undefined
}
export interface PresenceMessage extends Asking {
  readonly t: 'who'
  readonly topic: string
}
export interface RequestMessage extends Asking, WithData {
  readonly t: 'req'
  readonly method: string
  /** Milliseconds after which the client wants no answer. */
  readonly within?: number | undefined
}
export interface CancelMessage extends Asking {
  readonly t: 'cancel'
}
export interface PingMessage {
  readonly t: 'ping'
}

export type ClientMessage =
  | HelloMessage
  | AuthMessage
  | SubscribeMessage
  | UnsubscribeMessage
  | PublishMessage
  | VolatileMessage
  | HistoryMessage
  | PresenceMessage
  | RequestMessage
  | CancelMessage
  | PingMessage

export interface WelcomeMessage {
  readonly t: 'welcome'
  /** The name of this connection. */
  readonly id: string
  readonly user?: string
  /** Milliseconds until the credentials expire. */
  readonly expires?: number
  readonly limits: { readonly topics: number; readonly pending: number }
}
export interface OkMessage extends WithData {
  readonly t: 'ok'
  readonly id: number
  readonly at?: WirePosition
  readonly recovered?: boolean
  readonly reason?: string
  /** The number of messages that follow before the live ones, as `msg` or in a `run`. */
  readonly count?: number
  readonly members?: readonly Member[]
  readonly version?: number
  readonly stale?: boolean
  readonly expires?: number
}
export interface ErrorMessage {
  readonly t: 'error'
  readonly id?: number
  readonly code: ErrorCode
  readonly message: string
  readonly topic?: string
  /** The place in the data that broke the schema. */
  readonly path?: readonly (string | number)[]
  /** Milliseconds after which another try makes sense. */
  readonly retry?: number
}
export interface PartMessage extends WithData {
  readonly t: 'part'
  readonly id: number
  readonly at?: WirePosition
  readonly from?: string
}
export interface TopicDataMessage extends WithData {
  readonly t: 'msg'
  readonly topic: string
  readonly at: WirePosition
  /** The mark of the message before it. */
  readonly prev: string
  readonly from?: string | undefined
}
/** Messages of a topic in a row, the first of which follows a position. */
export interface RunMessage {
  readonly t: 'run'
  readonly topic: string
  /** The position before the first message. Each message has the next offset. */
  readonly at: WirePosition
  readonly items: readonly (readonly [mark: string, data: Json, from?: string])[]
}
export interface TopicVolatileMessage extends WithData {
  readonly t: 'vol'
  readonly topic: string
  readonly key?: string
  readonly from?: string
}
export interface GapMessage {
  readonly t: 'gap'
  readonly topic: string
  readonly reason: string
  readonly at: WirePosition
}
export interface Member {
  readonly user: string
  readonly info?: Json | undefined
}
export interface MembersMessage {
  readonly t: 'join' | 'leave' | 'here'
  readonly topic: string
  readonly user?: string
  readonly info?: Json | undefined
  readonly members?: readonly Member[]
  readonly version: number
  readonly stale?: boolean
}
export interface PongMessage {
  readonly t: 'pong'
}

export type ServerMessage =
  | WelcomeMessage
  | OkMessage
  | ErrorMessage
  | PartMessage
  | TopicDataMessage
  | RunMessage
  | TopicVolatileMessage
  | GapMessage
  | MembersMessage
  | PongMessage

/** The codes of `error`, each with the close code of the connection where the server ends it for that reason. */
export const errorCodes = {
  /** A message that is none of the subprotocol. */
  malformed: 4400,
  /** No credentials, or wrong ones. */
  unauthorized: 4401,
  /** The credentials have expired. */
  expired: 4401,
  /** This client may not do this here. */
  forbidden: 4403,
  /** A limit of the server. */
  limit: 1013,
  /** The broker is away. A publish may have taken effect. */
  unavailable: 1013,
  /** No rule of the hub covers this topic. */
  'unknown-topic': undefined,
  'unknown-method': undefined,
  /** The name of a topic is none, or the data do not meet the schema. */
  invalid: undefined,
  /** The request took too long. It may have taken effect. */
  timeout: undefined,
  cancelled: undefined,
  /** The server's code failed. It may have taken effect. */
  failed: undefined,
} as const satisfies Readonly<Record<string, number | undefined>>

export type ErrorCode = keyof typeof errorCodes
