import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { natsBroker } from './nats-broker.js'

const connection = { request() {} }

describe('the options of natsBroker', () => {
  const refused: readonly (readonly [unknown, string])[] = [
    [undefined, 'connection must be a connection to NATS, not undefined'],
    ['localhost', 'the options of natsBroker() must be an object, not "localhost"'],
    [{ connection: 'localhost' }, 'connection must be a connection to NATS, not "localhost"'],
    [
      { connection, histroyCount: 3 },
      'there is no option "histroyCount" of natsBroker(): the options are connection, stream, prefix, historyCount, dedupeMs, storage, replicas, maxBytes, timeoutMs, error',
    ],
    [{ connection, historyCount: '10' }, 'historyCount must be a whole number above 0, not "10"'],
    [{ connection, replicas: 0.5 }, 'replicas must be a whole number above 0, not 0.5'],
  ]
  for (const [options, message] of refused) {
    it(`are refused by a sentence: ${message}`, () => {
      assert.throws(() => natsBroker(options as never), { name: 'TypeError', message })
    })
  }
})
