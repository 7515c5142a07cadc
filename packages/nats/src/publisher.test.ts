import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { headers, type Msg } from '@nats-io/nats-core'
import { Publisher, type PublisherPorts } from './publisher.js'
import { refusals } from './stream/stream.js'
import { StreamTail } from './stream/stream-tail.js'

const answered = (answer: unknown): Msg => ({ json: () => answer, headers: headers() }) as unknown as Msg
const refusal = answered({ error: { code: 400, err_code: refusals.wrongSequence, description: 'wrong last sequence' } })

function publisher(request: PublisherPorts['request'], timeoutMs: number): Publisher {
  return new Publisher({
    stream: 's',
    subject: 's.a',
    timeoutMs,
    tail: new StreamTail(),
    request,
    readHead: async () => ({ sequence: 1, position: { epoch: 'e', offset: 1, mark: '1-a' } }),
    isReplicated: () => false,
    follows: async () => true,
    validPositionAt: async () => undefined,
  })
}

describe('Publisher', () => {
  it('waits between attempts that the server refuses, and rejects at the deadline', async () => {
    let attempts = 0
    const refused = publisher(async () => {
      attempts += 1
      return refusal
    }, 400)
    await assert.rejects(refused.publish('', undefined), /NATS has not stored the message within 400 ms/)
    assert.ok(attempts > 3 && attempts < 20, `${attempts} attempts`)
  })

  it('tries again at once after a message of another node', async () => {
    let attempts = 0
    const contended = publisher(async () => {
      attempts += 1
      return attempts < 4 ? refusal : answered({ seq: 5 })
    }, 60_000)
    assert.equal((await contended.publish('', undefined)).offset, 2)
    assert.equal(attempts, 4)
  })
})
