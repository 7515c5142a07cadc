/** The part of ioredis and iovalkey that is used, of their `Redis` and of their `Cluster`. */
export interface IoredisLike {
  call(command: string, ...args: (string | number)[]): Promise<unknown>
  duplicate(...options: object[]): IoredisLike
  subscribe(...channels: string[]): Promise<unknown>
  unsubscribe(...channels: string[]): Promise<unknown>
  psubscribe(...patterns: string[]): Promise<unknown>
  punsubscribe(...patterns: string[]): Promise<unknown>
  ssubscribe?(...channels: string[]): Promise<unknown>
  sunsubscribe?(...channels: string[]): Promise<unknown>
  on(event: 'message' | 'smessage', listener: (channel: string, message: string) => void): unknown
  on(event: 'pmessage', listener: (pattern: string, channel: string, message: string) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'ready' | 'close' | 'end', listener: () => void): unknown
  disconnect(): void
  readonly isCluster?: boolean
  readonly status: string
}

/** The subscriptions of the clients of @redis/client. */
export interface NodeRedisSubscriptions {
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  pSubscribe(pattern: string, listener: (message: string, channel: string) => void): Promise<unknown>
  pUnsubscribe(pattern: string): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** The subscriptions to sharded channels, which a client of one server or of a cluster has. */
export interface NodeRedisShards {
  sSubscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  sUnsubscribe(channel: string): Promise<unknown>
}

/** The part of the client of @redis/client, and of the package redis, that is used. It must be connected. */
export interface NodeRedisLike extends NodeRedisSubscriptions, NodeRedisShards {
  sendCommand(args: string[]): Promise<unknown>
  duplicate(): NodeRedisLike
  connect(): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'ready' | 'reconnecting', listener: () => void): unknown
  destroy(): void
  readonly isOpen: boolean
  readonly isReady: boolean
}

/** The part of `createCluster` of @redis/client that is used. It must be connected. */
export interface NodeRedisClusterLike extends NodeRedisSubscriptions, NodeRedisShards {
  readonly masters: readonly unknown[]
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: string[]): Promise<unknown>
  duplicate(): NodeRedisClusterLike
  connect(): Promise<unknown>
  destroy(): void
}

/** The part of `createSentinel` of @redis/client that is used. It must be connected. */
export interface NodeRedisSentinelLike extends NodeRedisSubscriptions {
  sendCommand(isReadonly: boolean | undefined, args: string[]): Promise<unknown>
  acquire(): Promise<unknown>
}

/** A client of ioredis, iovalkey, @redis/client or redis: of one server, of a primary behind Sentinel, or of a cluster. */
export type RedisClient = IoredisLike | NodeRedisLike | NodeRedisClusterLike | NodeRedisSentinelLike
