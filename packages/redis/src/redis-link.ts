import { ClusterSubscriber, type IoredisClusterLike } from './cluster-subscriber.js'
import { shown } from './options.js'
import type {
  IoredisLike,
  NodeRedisClusterLike,
  NodeRedisLike,
  NodeRedisSentinelLike,
  NodeRedisShards,
  NodeRedisSubscriptions,
  RedisClient,
} from './redis-client.js'
import type { RedisLinkEvents, RedisSubscriptions } from './redis-subscriptions.js'
import { Resubscriber } from './resubscriber.js'

/** Commands and subscriptions, whatever the client. */
export interface RedisLink extends RedisSubscriptions {
  /** Sends a command to the server of a key. */
  command(key: string, name: string, ...args: readonly (string | number)[]): Promise<unknown>
  /** Whether the client connects again just now, and would keep commands until then. */
  readonly isAway: boolean
  /** Resolves when the client is there. */
  there(): Promise<void>
  readonly isCluster: boolean
  /** Grows each time the client connects again; undefined if it may use several connections. */
  readonly connections: number | undefined
}

/**
 * A link over a client, which is recognized by its methods. Subscriptions take a connection of their own, a duplicate of the
 * client, because a connection that subscribes takes no commands.
 * @param isSharded whether channels are sharded ones
 */
export function redisLink(client: RedisClient, isSharded: boolean, events: RedisLinkEvents): RedisLink {
  const has = (...names: string[]): boolean =>
    names.every((name) => typeof (client as unknown as Record<string, unknown> | undefined)?.[name] === 'function')
  if (has('call', 'duplicate')) return overIoredis(client as IoredisLike, isSharded, events)
  if (has('sendCommand', 'acquire')) return overSentinel(client as NodeRedisSentinelLike, isSharded, events)
  if (has('sendCommand', 'duplicate')) {
    return 'masters' in client
      ? overCluster(client as NodeRedisClusterLike, isSharded, events)
      : overNodeRedis(client as NodeRedisLike, isSharded, events)
  }
  throw new TypeError(`client must be a client of ioredis, iovalkey, @redis/client or redis, not ${shown(client)}`)
}

function overIoredis(client: IoredisLike, isSharded: boolean, events: RedisLinkEvents): RedisLink {
  const isCluster = client.isCluster === true
  const subscriptions =
    isCluster && !isSharded
      ? new ClusterSubscriber(client as unknown as IoredisClusterLike, events)
      : ioredisSubscriptions(duplicateOf(client), isSharded, events)
  const readiness = new Readiness()
  let wasReady = client.status === 'ready'
  client.on('ready', () => {
    wasReady = true
    readiness.reached()
  })
  return {
    command: (_, name, ...args) => client.call(name, ...args),
    // A client that waits for its first command, connects for the first time, or is closed, has lost nothing.
    get isAway() {
      return wasReady && ['connecting', 'connect', 'reconnecting', 'close'].includes(client.status)
    },
    there: () => readiness.next(),
    isCluster,
    get connections() {
      return isCluster ? undefined : readiness.count
    },
    subscribe: (channel, listener) => subscriptions.subscribe(channel, listener),
    unsubscribe: (channel) => subscriptions.unsubscribe(channel),
    watch: (glob, listener) => subscriptions.watch(glob, listener),
    unwatch: (glob) => subscriptions.unwatch(glob),
    close: () => subscriptions.close(),
  }
}

function duplicateOf(client: IoredisLike): IoredisLike {
  const options = { lazyConnect: false, autoResubscribe: false }
  return client.isCluster === true ? client.duplicate([], options) : client.duplicate(options)
}

/** Subscriptions by a connection that ioredis opens again. It would make them again itself: see Resubscriber. */
function ioredisSubscriptions(
  subscriber: IoredisLike,
  isSharded: boolean,
  events: RedisLinkEvents,
): RedisSubscriptions {
  const subscriptions = new Resubscriber(isSharded, events, () => subscriber.disconnect())
  subscriptions.listen(subscriber)
  subscriber.on('error', events.error)
  subscriber.on('close', () => subscriptions.lost())
  subscriber.on('ready', () => void subscriptions.ready(subscriber))
  return subscriptions
}

function overNodeRedis(client: NodeRedisLike, isSharded: boolean, events: RedisLinkEvents): RedisLink {
  const subscriber = client.duplicate()
  subscriber.on('error', events.error)
  // The client connects again and subscribes again on its own.
  const connected = subscriber.connect()
  subscriber.on('reconnecting', events.lost)
  connected.then(() => subscriber.on('ready', events.returned), events.error)
  const readiness = new Readiness()
  client.on('ready', () => readiness.reached())
  return {
    ...subscriptionsOf(subscriber, isSharded ? subscriber : undefined, connected),
    command: (_, ...args) => client.sendCommand(args.map(String)),
    get isAway() {
      return client.isOpen && !client.isReady
    },
    there: () => readiness.next(),
    isCluster: false,
    get connections() {
      return readiness.count
    },
    close: () => subscriber.destroy(),
  }
}

function overCluster(client: NodeRedisClusterLike, isSharded: boolean, events: RedisLinkEvents): RedisLink {
  const subscriber = client.duplicate()
  subscriber.on('error', events.error)
  const connected = subscriber.connect()
  connected.catch(events.error)
  return {
    ...subscriptionsOf(subscriber, isSharded ? subscriber : undefined, connected),
    command: (key, ...args) => client.sendCommand(key, false, args.map(String)),
    ...severalConnections,
    isCluster: true,
    close() {
      subscriber.destroy()
      // A client that is still finding its servers connects to them all the same.
      connected.then(
        () => subscriber.destroy(),
        () => undefined,
      )
    },
  }
}

/** This client has a connection of its own for subscriptions, which follows the primary. */
function overSentinel(client: NodeRedisSentinelLike, isSharded: boolean, events: RedisLinkEvents): RedisLink {
  if (isSharded) throw new TypeError('sharded takes a client of a cluster or of one server')
  client.on('error', events.error)
  const channels = new Set<string>()
  const globs = new Set<string>()
  const { subscribe, unsubscribe, watch, unwatch } = subscriptionsOf(client, undefined, Promise.resolve())
  return {
    command: (_, ...args) => client.sendCommand(false, args.map(String)),
    ...severalConnections,
    isCluster: false,
    subscribe(channel, listener) {
      channels.add(channel)
      return subscribe(channel, listener)
    },
    unsubscribe(channel) {
      channels.delete(channel)
      return unsubscribe(channel)
    },
    watch(glob, listener) {
      globs.add(glob)
      return watch(glob, listener)
    },
    unwatch(glob) {
      globs.delete(glob)
      return unwatch(glob)
    },
    close() {
      for (const channel of channels) unsubscribe(channel).catch(() => undefined)
      for (const glob of globs) unwatch(glob).catch(() => undefined)
    },
  }
}

/** The client chooses a connection for each command, and tries again where one is lost. */
const severalConnections = { isAway: false, there: () => Promise.resolve(), connections: undefined }

/** Counts the times at which a client became ready. */
class Readiness {
  count = 0
  #next: { readonly reached: Promise<void>; readonly resolve: () => void } | undefined

  reached(): void {
    this.count += 1
    this.#next?.resolve()
    this.#next = undefined
  }

  /** Resolves when the client is ready again. */
  next(): Promise<void> {
    if (this.#next === undefined) {
      let resolve: () => void = () => undefined
      const reached = new Promise<void>((resolved) => (resolve = resolved))
      this.#next = { reached, resolve }
    }
    return this.#next.reached
  }
}

type Subscriptions = Omit<RedisSubscriptions, 'close'>

function subscriptionsOf(
  client: NodeRedisSubscriptions,
  shards: NodeRedisShards | undefined,
  connected: Promise<unknown>,
): Subscriptions {
  return {
    async subscribe(channel, listener) {
      await connected
      await (shards ? shards.sSubscribe(channel, listener) : client.subscribe(channel, listener))
    },
    async unsubscribe(channel) {
      await (shards ? shards.sUnsubscribe(channel) : client.unsubscribe(channel))
    },
    async watch(glob, listener) {
      await connected
      await client.pSubscribe(glob, (message, channel) => listener(channel, message))
    },
    async unwatch(glob) {
      await client.pUnsubscribe(glob)
    },
  }
}
