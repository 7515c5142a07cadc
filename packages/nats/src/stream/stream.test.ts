import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NatsConnection } from '@nats-io/nats-core'
import type { LastingConnection } from '../connection/lasting-connection.js'
import { Stream } from './stream.js'

const settings = {
  stream: 's',
  prefix: 'p',
  historyCount: 10,
  dedupeMs: 1000,
  storage: 'file',
  replicas: 3,
  maxBytes: -1,
  timeoutMs: 60_000,
} as const

describe('Stream', () => {
  it('asks no longer than until the end that it is given', async () => {
    const timeouts: number[] = []
    const connection = {
      connection: { subscribe: () => ({ unsubscribe: () => undefined }) } as unknown as NatsConnection,
      createInbox: () => 'inbox',
      repeated: (act: () => Promise<unknown>) => act(),
      async request(_: string, __: string, { timeout }: { readonly timeout: number }) {
        timeouts.push(timeout)
        throw new Error('no answer')
      },
    } as unknown as LastingConnection
    const stream = new Stream(connection, settings)
    const until = performance.now() + 100
    for (const question of [
      () => stream.newest('p.s.a', until),
      () => stream.at(1, until),
      () => stream.between('p.s.a', 1, 2, until),
      () => stream.epoch(until),
    ]) {
      await assert.rejects(question)
    }
    assert.equal(timeouts.length, 4)
    for (const timeout of timeouts) assert.ok(timeout <= 100, `${timeout} ms`)
  })

  it('waits for the entries of a consumer no longer than until the end that it is given', async () => {
    const connection = {
      connection: { subscribe: () => ({ unsubscribe: () => undefined }) } as unknown as NatsConnection,
      createInbox: () => 'inbox',
      repeated: (act: () => Promise<unknown>) => act(),
      request: async () => ({ json: () => ({ name: 'c', num_pending: 1, delivered: { consumer_seq: 0 } }) }),
    } as unknown as LastingConnection
    const stream = new Stream(connection, settings)
    await assert.rejects(stream.between('p.s.a', 1, 2, performance.now() + 20), /JetStream has not sent its messages/)
  })
})
