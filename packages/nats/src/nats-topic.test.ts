import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Backlog } from './backlog.js'
import { type NatsNode, NatsTopic } from './nats-topic.js'
import { SendWindow } from './send-window.js'
import { type Entry, encode, readEntry } from './stream/envelope.js'
import { StreamTail } from './stream/stream-tail.js'

function entry(offset: number): Entry {
  const place = `e ${offset} t${offset} ${offset === 1 ? '' : `${offset - 1}-t${offset - 1}`}`
  const fields = new Map([
    ['Twoway', place],
    ['Nats-Expected-Last-Subject-Sequence', String(offset - 1)],
  ])
  return readEntry(offset, fields, encode(`${offset}`))
}

/** A topic of two messages, and the questions for its newest one; of the first answers, those of `behind` have only one message. */
function topicOf(isReplicated: boolean, behind: number) {
  const entries = [entry(1), entry(2)]
  let asked = 0
  const stream = {
    tail: new StreamTail(),
    isReplicated,
    subjectOf: (topic: string) => topic,
    async newest() {
      asked += 1
      return entries[asked <= behind ? 0 : 1]
    },
    at: async (sequence: number) => entries[sequence - 1],
    between: async (_: string, first: number, last: number) => entries.slice(first - 1, last),
    mayHaveEmptied: async () => false,
  }
  const settings = { stream: 's', prefix: 'p', historyCount: 10, timeoutMs: 1000 }
  const node = { stream, settings, backlog: new Backlog(), window: new SendWindow() } as unknown as NatsNode
  const topic = new NatsTopic(node, 'a', { stored: () => undefined, volatile: () => undefined })
  return { topic, asked: () => asked }
}

const position = { epoch: 'e', offset: 2, mark: '2-t2' }

describe('NatsTopic', () => {
  it('asks a cluster again whose new leader has not caught up', async () => {
    const { topic, asked } = topicOf(true, 2)
    assert.deepEqual(await topic.since(position, 10), { recovered: true, head: position, messages: [] })
    assert.equal(asked(), 3)
  })

  it('believes a cluster in the end that its stream is an older copy', async () => {
    const { topic, asked } = topicOf(true, 100)
    const head = { epoch: 'e', offset: 1, mark: '1-t1' }
    assert.deepEqual(await topic.since(position, 10), { recovered: false, head, reason: 'rewound' })
    assert.equal(asked(), 5)
  })

  it('believes a single server, and a cluster about other reasons, at once', async () => {
    for (const [isReplicated, given, reason] of [
      [false, position, 'rewound'],
      [true, { ...position, epoch: 'another' }, 'unknown-epoch'],
    ] as const) {
      const { topic, asked } = topicOf(isReplicated, 100)
      const answer = await topic.since(given, 10)
      assert.ok(!answer.recovered)
      assert.equal(answer.reason, reason)
      assert.equal(asked(), 1)
    }
  })
})
