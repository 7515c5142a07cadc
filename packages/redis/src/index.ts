export { type RedisBroker, type RedisBrokerOptions, redisBroker } from './redis-broker.js'
export type {
  IoredisLike,
  NodeRedisClusterLike,
  NodeRedisLike,
  NodeRedisSentinelLike,
  RedisClient,
} from './redis-client.js'
