import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { headers, type Msg } from '@nats-io/nats-core'
import { Backlog } from './backlog.js'
import type { ConnectionListener } from './connection/lasting-connection.js'
import { type NatsNode, NatsTopic } from './nats-topic.js'
import { SendWindow } from './send-window.js'
import { type Entry, encode, readEntry } from './stream/envelope.js'
import { StreamTail } from './stream/stream-tail.js'

function fieldsOf(offset: number): Map<string, string> {
  return new Map([
    ['Twoway', `e ${offset} t ${offset === 1 ? '' : `${offset - 1}-t`}`],
    ['Nats-Expected-Last-Subject-Sequence', String(offset - 1)],
  ])
}

function entry(offset: number): Entry {
  return readEntry(offset, fieldsOf(offset), encode(`${offset}`))
}

/** An entry as RePublish sends it. */
function live(offset: number): Msg {
  const fields = headers()
  for (const [name, value] of fieldsOf(offset)) fields.set(name, value)
  fields.set('Nats-Sequence', String(offset))
  fields.set('Nats-Last-Sequence', String(offset - 1))
  return { subject: 'a', data: encode(`${offset}`), headers: fields } as unknown as Msg
}

interface TestedStream {
  readonly isReplicated?: boolean
  /** Messages of the stream. */
  readonly stored?: number
  /** Those that a leader has at its first answers, by its answers. */
  readonly known?: readonly number[]
  /** By how much the numbers of a replica, which answers for many messages, differ from those of the leader. */
  readonly drift?: number
}

/** A topic on a stream whose messages have their offsets as sequence numbers, and the answers about its newest message. */
function topicOf({ isReplicated = true, stored = 2, known = [], drift = 0 }: TestedStream) {
  const entries = Array.from({ length: stored }, (_, index) => entry(index + 1))
  const answers: number[] = []
  const stream = {
    tail: new StreamTail(),
    isReplicated,
    subjectOf: (topic: string) => topic,
    async newest() {
      const count = known[answers.length] ?? stored
      answers.push(count)
      return entries[count - 1]
    },
    at: async (sequence: number) => entries[sequence - 1],
    next: async (_: string, sequence: number) => entries[sequence - 1],
    async between(_: string, first: number, last: number) {
      const drifted = entries.map((each) => ({ ...each, sequence: each.sequence + drift }))
      return drifted.filter(({ sequence }) => sequence >= first && sequence <= last)
    },
    epoch: async () => 'e',
    mayHaveEmptied: async () => false,
  }
  const settings = { stream: 's', prefix: 'p', historyCount: 100, timeoutMs: 1000 }
  const node = { stream, settings, backlog: new Backlog(), window: new SendWindow() } as unknown as NatsNode
  return { topic: new NatsTopic(node, 'a', { stored: () => undefined, volatile: () => undefined }), answers }
}

const second = { epoch: 'e', offset: 2, mark: '2-t' }
const first = { epoch: 'e', offset: 1, mark: '1-t' }

describe('NatsTopic', () => {
  it('delivers no message that came while it opened and before the connection was lost', async () => {
    for (const isLost of [false, true]) {
      const callbacks = new Map<string, (error: null, message: Msg) => void>()
      const natsConnection = {
        info: {},
        subscribe(subject: string, { callback }: { callback: (error: null, message: Msg) => void }) {
          callbacks.set(subject, callback)
          return { unsubscribe: () => undefined }
        },
        flush: async () => undefined,
      }
      let lose = (): void => undefined
      const connection = {
        connection: natsConnection,
        listen(listener: ConnectionListener) {
          lose = () => listener.lost?.()
          return () => undefined
        },
      }
      const stream = {
        tail: new StreamTail(),
        isReplicated: false,
        subjectOf: (topic: string) => topic,
        liveSubjectOf: (topic: string) => topic,
        isVoid: () => false,
        async newest() {
          callbacks.get('a')!(null, live(2))
          if (isLost) lose()
          return entry(1)
        },
      }
      const settings = { prefix: 'p', timeoutMs: 1000 }
      const node = { connection, stream, settings } as unknown as NatsNode
      const seen: unknown[] = []
      const topic = new NatsTopic(node, 'a', {
        stored: ({ content }) => seen.push(content),
        volatile: () => undefined,
      })
      await topic.start()
      assert.deepEqual(seen, isLost ? [] : ['2'])
      topic.leave()
    }
  })
})

describe('NatsTopic on a cluster whose leader was just elected', () => {
  it('asks again before it says that a position is gone', async () => {
    for (const first of [0, 1]) {
      const { topic, answers } = topicOf({ known: [first] })
      assert.deepEqual(await topic.since(second, 10), { recovered: true, head: second, messages: [] })
      assert.deepEqual(answers, [first, 2])
    }
  })

  it('says that the position is gone if the stream is an older copy', async () => {
    const { topic, answers } = topicOf({ stored: 1 })
    assert.deepEqual(await topic.since(second, 10), { recovered: false, head: first, reason: 'rewound' })
    assert.deepEqual(answers, [1, 1])
  })

  it('answers at once for a single server, and for another epoch', async () => {
    for (const [isReplicated, position, reason] of [
      [false, second, 'rewound'],
      [true, { ...second, epoch: 'another' }, 'unknown-epoch'],
    ] as const) {
      const { topic, answers } = topicOf({ isReplicated, stored: 1 })
      assert.deepEqual(await topic.since(position, 10), { recovered: false, head: first, reason })
      assert.deepEqual(answers, [1])
    }
  })
})

describe('NatsTopic on a cluster of which a replica has drifted', () => {
  it('reads the messages from the leader', async () => {
    for (const drift of [0, 1, -1]) {
      const { topic } = topicOf({ stored: 40, drift })
      const { messages } = await topic.last(30)
      assert.deepEqual(
        messages.map(({ content }) => content),
        Array.from({ length: 30 }, (_, index) => `${index + 11}`),
        `a drift of ${drift}`,
      )
      const resumed = await topic.since(first, 100)
      assert.ok(resumed.recovered)
      assert.equal(resumed.messages.length, 39)
    }
  })
})
