export { type RedisBroker, type RedisBrokerOptions, redisBroker } from './redis-broker.js'
export type { IoredisLike, NodeRedisLike, RedisClient } from './redis-link.js'
