import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redisBroker } from './redis-broker.js'

const client = { call() {}, duplicate() {} }

describe('the options of redisBroker', () => {
  const refused: readonly (readonly [unknown, string])[] = [
    [undefined, 'client must be a client of ioredis, iovalkey, @redis/client or redis, not undefined'],
    ['redis://localhost', 'the options of redisBroker() must be an object, not "redis://localhost"'],
    [{ client: {} }, 'client must be a client of ioredis, iovalkey, @redis/client or redis, not an object'],
    [
      { client, histroyCount: 3 },
      'there is no option "histroyCount" of redisBroker(): the options are client, prefix, historyCount, historyAgeMs, dedupeMs, replicas, sharded, timeoutMs, error',
    ],
    [{ client, historyCount: '10' }, 'historyCount must be a whole number above 0, not "10"'],
    [{ client, timeoutMs: 0 }, 'timeoutMs must be a whole number above 0, not 0'],
    [{ client, replicas: '1' }, 'replicas must be a whole number, not "1"'],
  ]
  for (const [options, message] of refused) {
    it(`are refused by a sentence: ${message}`, () => {
      assert.throws(() => redisBroker(options as never), { name: 'TypeError', message })
    })
  }
})
