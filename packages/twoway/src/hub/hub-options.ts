import { historyOptions } from '../core/limits.js'
import { callable, count, countOrInfinity, matching } from '../core/options/check.js'
import { option } from '../core/options/option.js'

/** The limits of a hub. */
export const hubLimitOptions = {
  /**
   * Topics and patterns that one client may subscribe to.
   * @default 100
   * @limit The client gets the error `limit`.
   */
  maxTopicsPerClient: option(count('topics'), 100),
  /**
   * Characters of a topic or pattern, in UTF-16 units.
   * @default 200
   * @limit The client gets the error `invalid`.
   */
  maxTopicLength: option(count('characters'), 200),
  /**
   * Requests of one client that have no answer yet, and as many publishes.
   * @default 64
   * @limit A further request gets the error `limit`. A further publish waits, and the client is read no further meanwhile.
   */
  maxPending: option(count('requests'), 64),
  /**
   * Milliseconds that the handler of a request may take. A client may ask for less.
   * @default 30_000
   * @limit The client gets the error `timeout`, and the handler's signal is aborted.
   */
  requestTimeoutMs: option(countOrInfinity('milliseconds'), 30_000),
  /**
   * Milliseconds that a client has to introduce itself after the opening handshake, `authenticate` included.
   * @default 10_000
   * @limit The connection closes with 4401.
   */
  helloTimeoutMs: option(count('milliseconds'), 10_000),
  /**
   * Newest messages of each topic that this process keeps to answer clients that come back.
   * @default 256
   * @limit The broker is asked for older ones.
   */
  ringCount: option(count('messages'), 256),
  /**
   * Bytes of the newest messages of each topic that this process keeps.
   * @default 262_144 (256 KiB)
   * @limit The broker is asked for older ones.
   */
  ringBytes: option(count('bytes'), 256 << 10),
  /**
   * Milliseconds for which the members of a process count without a sign of life from it.
   * @default 10_000
   * @limit They leave the presence of all topics.
   */
  leaseMs: option(count('milliseconds'), 10_000),
  /**
   * Members of one topic that its presence names.
   * @default 1_000
   * @limit Further members are not in the list.
   */
  maxMembers: option(count('members'), 1_000),
}

const isBroker = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (value as { readonly delivery?: unknown }).delivery === 'resumable'

const byName = matching<object>(
  'an object with a member for each name',
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
)

/** All options of `createHub`. `HubOptions` documents the others. */
export const hubTable = {
  ...historyOptions,
  ...hubLimitOptions,
  topics: option(byName),
  requests: option(byName),
  authenticate: option(callable()),
  broker: option(matching<object>('a broker that stores messages', isBroker)),
  error: option(callable()),
}
