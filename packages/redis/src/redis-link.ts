/** The part of ioredis and iovalkey that is used. */
export interface IoredisLike {
  call(command: string, ...args: (string | number)[]): Promise<unknown>
  duplicate(): IoredisLike
  subscribe(...channels: string[]): Promise<unknown>
  unsubscribe(...channels: string[]): Promise<unknown>
  psubscribe(...patterns: string[]): Promise<unknown>
  punsubscribe(...patterns: string[]): Promise<unknown>
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  on(event: 'pmessage', listener: (pattern: string, channel: string, message: string) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  disconnect(): void
}

/** The part of the client of @redis/client, and of the package redis, that is used. It must be connected. */
export interface NodeRedisLike {
  sendCommand(args: string[]): Promise<unknown>
  duplicate(): NodeRedisLike
  connect(): Promise<unknown>
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  pSubscribe(pattern: string, listener: (message: string, channel: string) => void): Promise<unknown>
  pUnsubscribe(pattern: string): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
  destroy(): void
}

/** A client of ioredis, iovalkey, @redis/client or redis. */
export type RedisClient = IoredisLike | NodeRedisLike

/** Commands and subscriptions, whatever the client. */
export interface RedisLink {
  command(...args: readonly (string | number)[]): Promise<unknown>
  subscribe(channel: string, listener: (message: string) => void): Promise<void>
  unsubscribe(channel: string): Promise<void>
  watch(glob: string, listener: (channel: string, message: string) => void): Promise<void>
  unwatch(glob: string): Promise<void>
  /** Ends the connection for subscriptions. The client is the caller's. */
  close(): void
}

/**
 * A link over a client, which is recognized by its methods. Subscriptions take a connection of their own, a duplicate of the
 * client, because a connection that subscribes takes no commands.
 */
export function redisLink(client: RedisClient, onError: (error: Error) => void): RedisLink {
  if (isIoredis(client)) return overIoredis(client, onError)
  if (isNodeRedis(client)) return overNodeRedis(client, onError)
  throw new TypeError('client must be a client of ioredis, iovalkey, @redis/client or redis')
}

function isIoredis(client: RedisClient): client is IoredisLike {
  return typeof (client as Partial<IoredisLike>)?.call === 'function' && typeof client.duplicate === 'function'
}

function isNodeRedis(client: RedisClient): client is NodeRedisLike {
  return typeof (client as Partial<NodeRedisLike>)?.sendCommand === 'function' && typeof client.duplicate === 'function'
}

function overIoredis(client: IoredisLike, onError: (error: Error) => void): RedisLink {
  const subscriber = client.duplicate()
  const channels = new Map<string, (message: string) => void>()
  const globs = new Map<string, (channel: string, message: string) => void>()
  let ready: Promise<unknown> | undefined
  // ioredis sends SUBSCRIBE on a connection that is not ready yet, and may then lose the first messages.
  const whenReady = (): Promise<unknown> => {
    ready ??= subscriber.call('PING').catch((error: unknown) => {
      ready = undefined
      throw error
    })
    return ready
  }
  subscriber.on('error', onError)
  subscriber.on('message', (channel, message) => channels.get(channel)?.(message))
  subscriber.on('pmessage', (glob, channel, message) => globs.get(glob)?.(channel, message))
  return {
    command: (name, ...args) => client.call(String(name), ...args),
    async subscribe(channel, listener) {
      channels.set(channel, listener)
      await whenReady()
      await subscriber.subscribe(channel)
    },
    async unsubscribe(channel) {
      channels.delete(channel)
      await subscriber.unsubscribe(channel)
    },
    async watch(glob, listener) {
      globs.set(glob, listener)
      await whenReady()
      await subscriber.psubscribe(glob)
    },
    async unwatch(glob) {
      globs.delete(glob)
      await subscriber.punsubscribe(glob)
    },
    close: () => subscriber.disconnect(),
  }
}

function overNodeRedis(client: NodeRedisLike, onError: (error: Error) => void): RedisLink {
  const subscriber = client.duplicate()
  subscriber.on('error', onError)
  // The client connects again and subscribes again on its own.
  const connected = subscriber.connect()
  connected.catch(onError)
  return {
    command: (...args) => client.sendCommand(args.map(String)),
    async subscribe(channel, listener) {
      await connected
      await subscriber.subscribe(channel, listener)
    },
    async unsubscribe(channel) {
      await subscriber.unsubscribe(channel)
    },
    async watch(glob, listener) {
      await connected
      await subscriber.pSubscribe(glob, (message, channel) => listener(channel, message))
    },
    async unwatch(glob) {
      await subscriber.pUnsubscribe(glob)
    },
    close: () => subscriber.destroy(),
  }
}
