import type { TopicPosition } from '../ports/broker/topic-position.js'
import type { Json, Member, SlowPolicy } from '../subprotocol/messages.js'

export type { Json, Member, SlowPolicy, TopicPosition }

/** The data of a message: anything that JSON can hold, or bytes. */
export type LinkData = Json | Uint8Array

/**
 * Where a link stands:
 *
 * - `connecting`: an attempt is under way.
 * - `online`: connected, and the server has accepted the credentials.
 * - `offline`: the last attempt failed or the connection was lost; the next attempt is at `nextAttemptAt`.
 * - `closed`: by `close`, or because another attempt makes no sense; `why` says so.
 */
export interface LinkStatus {
  readonly state: 'connecting' | 'online' | 'offline' | 'closed'
  /** The reason for the state, in words: '' for `online`. */
  readonly why: string
  /** When the next attempt begins, in milliseconds as of `performance.now()`; only while `offline`. */
  readonly nextAttemptAt: number | undefined
  /** The user as whom the server knows this link; only while `online`. */
  readonly user: string | undefined
}

/** A message of a topic. */
export interface TopicMessage<Data = LinkData> {
  readonly topic: string
  readonly data: Data
  /** The user who published it; undefined for the server. */
  readonly from: string | undefined
  /** Its position in the topic; undefined for a volatile message. */
  readonly position: TopicPosition | undefined
  /** The key of a volatile message. */
  readonly key: string | undefined
}

/** The start of a subscription on a new connection. */
export interface Started {
  /**
   * Whether nothing is missing: true if all messages since the last one have been delivered or follow now, or if this is the
   * first start. If false, the application must load its state anew.
   */
  readonly recovered: boolean
  /** The reason why messages may be missing, such as 'expired' or 'unknown-epoch'. */
  readonly reason: string | undefined
  /** The position from which on messages are delivered. State that is loaded after this call has all messages before it. */
  readonly position: TopicPosition | undefined
}

/** The presence of a topic, as a subscription sees it. */
export interface PresenceView {
  readonly members: readonly Member[]
  /** Whether the server has lost sight of members elsewhere. */
  readonly stale: boolean
}

export interface SubscribeOptions {
  /**
   * The number of older messages to get at the first start.
   * @default 0
   */
  readonly last?: number | undefined
  /** A position to resume from at the first start, such as one that was stored. */
  readonly position?: TopicPosition | undefined
  /** How the server treats this client if it reads too slowly. @default 'catch-up' */
  readonly slow?: SlowPolicy | undefined
  /** Called when the subscription has started, the first time and after each reconnection, before its messages. */
  readonly started?: ((started: Started) => void) | undefined
  /**
   * Called with all members at the start and after each change. Asks the server for the presence of the topic. Never called for a
   * pattern, or for a topic whose rule has no `presence: true`.
   */
  readonly presence?: ((view: PresenceView) => void) | undefined
  /** Called if the server refuses the subscription, or if the link is closed. The subscription is over then. */
  readonly refused?: ((error: Error) => void) | undefined
}

/** A subscription. It lasts over reconnections, until `unsubscribe`. */
export interface LinkSubscription<Data = LinkData> extends AsyncIterable<TopicMessage<Data>> {
  readonly topic: string
  /** The position of the last message that was delivered. */
  readonly position: TopicPosition | undefined
  unsubscribe(): void
}

export interface PublishOptions {
  /**
   * Whether the message is only sent, if the link is online: not stored, not repeated, not awaited. For cursors and typing.
   * @default false
   */
  readonly volatile?: boolean | undefined
  /**
   * For a stored message: its name, so that a repetition takes effect once; the link makes one up. For a volatile message:
   * of several with the same key only the newest matters.
   */
  readonly key?: string | undefined
  /** Milliseconds after which the link gives up. @default `timeoutMs` of the link */
  readonly timeoutMs?: number | undefined
}

export interface RequestOptions {
  /** Milliseconds after which the link gives up. @default `timeoutMs` of the link */
  readonly timeoutMs?: number | undefined
  /** Cancels the request. */
  readonly signal?: AbortSignal | undefined
}

/** The part of the platform's Storage that is used. */
export interface PositionStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

export interface LinkOptions {
  /** The credentials, asked for before each attempt and before they expire. */
  readonly token?: (() => Json | Promise<Json>) | undefined
  /** The longest wait before an attempt, in milliseconds. @default 30_000 */
  readonly maxWaitMs?: number | undefined
  /** Milliseconds for an attempt, until the server accepts it. @default 10_000 */
  readonly connectTimeoutMs?: number | undefined
  /** Milliseconds of silence after which the link asks whether the server is still there. @default 25_000 */
  readonly heartbeatMs?: number | undefined
  /** Milliseconds for publishes and requests, the wait for a connection included. @default 30_000 */
  readonly timeoutMs?: number | undefined
  /** Publishes and requests that wait for a connection or an answer. More are refused. @default 1_000 */
  readonly maxWaiting?: number | undefined
  /** Characters and bytes of these. More are refused. @default 1_048_576 */
  readonly maxWaitingBytes?: number | undefined
  /** Keeps positions over a reload of the page: `sessionStorage`. */
  readonly storage?: PositionStorage | undefined
  /** The WebSocket class, which takes messages of 128 KiB or more. @default the platform's in browsers, the one of `twoway` elsewhere */
  readonly WebSocket?: LinkSocketConstructor | undefined
}

/** The part of WebSocket that is used. */
export interface LinkSocket {
  binaryType: string
  readonly protocol: string
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
}

export type LinkSocketConstructor = new (url: string, protocols: string[]) => LinkSocket
