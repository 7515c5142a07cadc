import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { brokerContract } from 'twoway-testing/contracts/broker.contract.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { webRandom } from '../../runtimes/web/random.js'
import { MemoryBroker } from '../../topics/memory-broker.js'
import { ParentBroker } from './parent-broker.js'
import type { BrokerQuestion, ParentTopicMessage, WorkerTopicMessage } from './topic-messages.js'
import { SharedTopicsOfWorkers, WorkerTopics } from './worker-topics.js'

const silent = { stored: () => undefined, volatile: () => undefined }

/** The parent's side, and workers whose messages are copied and arrive in a later turn, in order. */
class Processes {
  readonly clock = new FakeClock()
  readonly broker = new MemoryBroker({
    history: { count: 200, bytes: 100_000, ageMs: 60_000 },
    dedupe: { count: 1000, ageMs: 60_000 },
    maxTopics: 100,
    totalBytes: 1 << 26,
    clock: this.clock,
    random: webRandom,
    payload: webPayload,
  })
  readonly shared = new SharedTopicsOfWorkers(this.broker)
  /** Whether the parent's messages to its workers are lost. */
  isFull = false
  /** The reason why the workers' messages to the parent are not sent. */
  fault: Error | undefined

  connect(): { readonly broker: ParentBroker; readonly topics: WorkerTopics } {
    const later = <Message>(message: Message, take: (message: Message) => void): void => {
      const copy = structuredClone(message)
      setImmediate(() => take(copy))
    }
    const broker = new ParentBroker((message: WorkerTopicMessage) => {
      if (this.fault === undefined) later(message, (copy) => topics.take(copy))
      return this.fault
    }, this.clock)
    const topics = new WorkerTopics(this.shared, (message: ParentTopicMessage) => {
      if (this.isFull) return false
      later(message, (copy) => broker.take(copy))
      return true
    })
    return { broker, topics }
  }
}

brokerContract('the parent of a worker', async () => {
  const processes = new Processes()
  return { connect: async () => processes.connect().broker, close: async () => {} }
})

describe('ParentBroker', () => {
  it('rejects with the error of the parent', async () => {
    const { broker } = new Processes().connect()
    const topics = await Promise.all(Array.from({ length: 100 }, (_, index) => broker.open(`${index}`, silent)))
    await assert.rejects(broker.open('one more', silent), /takes 100 topics/)
    topics[0]!.leave()
    await broker.open('one more', silent)
  })

  it('rejects a question that the parent does not answer in time', async () => {
    const processes = new Processes()
    const topic = await processes.connect().broker.open('a', silent)
    processes.isFull = true
    const refused = assert.rejects(topic.head(), /has not answered within 10000 ms/)
    processes.clock.advance(10_000)
    await refused
  })

  it('rejects at once a question that can not be sent to the parent, and takes the next one', async () => {
    const processes = new Processes()
    const topic = await processes.connect().broker.open('a', silent)
    processes.fault = new Error('too much waits')
    await assert.rejects(topic.publish('lost'), /too much waits/)
    topic.send('lost')
    processes.fault = undefined
    assert.equal((await topic.publish('stored')).offset, 1)
  })

  it('rejects open and later questions when the parent leaves', async () => {
    const { broker } = new Processes().connect()
    const topic = await broker.open('a', silent)
    const refused = assert.rejects(topic.head(), /the parent process has left/)
    broker.end()
    await refused
    await assert.rejects(topic.publish('x'), /the parent process has left/)
    await assert.rejects(broker.open('b', silent), /the parent process has left/)
  })

  it('counts what an answer carries', async () => {
    const { shared } = new Processes()
    const answers: number[] = []
    let answered: () => void = () => {}
    const topics = new WorkerTopics(shared, (message, bytes) => {
      if (message.type === 'brokerAnswer') answers.push(bytes)
      answered()
      return true
    })
    const ask = async (ask: number, question: BrokerQuestion): Promise<void> => {
      const done = new Promise<void>((resolve) => {
        answered = () => answers.length === ask && resolve()
      })
      topics.take({ type: 'brokerAsk', ask, question })
      await done
    }
    await ask(1, { op: 'open', channel: 1, topic: 'a' })
    await ask(2, { op: 'publish', channel: 1, content: 'x'.repeat(1000) })
    await ask(3, { op: 'publish', channel: 1, content: new Uint8Array(1000) })
    await ask(4, { op: 'last', channel: 1, most: 10 })
    const [small, , , history] = answers
    assert.equal(history! - small!, 2 * (3000 / 2) + 2 * small!)
  })

  it('leaves all topics of a worker that is gone, and keeps their messages', async () => {
    const processes = new Processes()
    const { broker, topics } = processes.connect()
    const open = await Promise.all(Array.from({ length: 100 }, (_, index) => broker.open(`${index}`, silent)))
    const position = await open[0]!.publish('kept')
    topics.leave()
    const next = await processes.connect().broker.open('0', silent)
    assert.deepEqual(await next.head(), position)
  })
})

describe('the topics of several workers', () => {
  it('pass a message to the workers that subscribe, in one order', async () => {
    const { shared } = new Processes()
    const logs: string[][] = []
    const workers = [0, 1, 2].map((index) => {
      logs.push([])
      return new WorkerTopics(shared, (message) => {
        if (message.type === 'published') {
          logs[index]!.push(`${message.server} ${message.published.message} ${message.own ?? '-'}`)
        }
        return true
      })
    })
    const [a, b, c] = workers as [WorkerTopics, WorkerTopics, WorkerTopics]
    const subscribe = (worker: WorkerTopics, server: number, pattern: string, hasSubscribers = true): void =>
      worker.take({ type: 'topic', server, pattern, hasSubscribers })
    subscribe(a, 0, 'room.1')
    subscribe(b, 0, 'room.*')
    subscribe(c, 1, 'room.1')
    const publish = (worker: WorkerTopics, server: number, own: number, message: string): void =>
      worker.take({ type: 'publish', server, own, published: { topic: 'room.1', message } })
    publish(a, 0, 1, 'x')
    publish(c, 0, 1, 'y')
    publish(b, 1, 1, 'z')
    assert.equal(shared.publish({ topic: 'room.1', message: 'all' }), 3)
    assert.deepEqual(logs, [
      ['0 x 1', '0 y -', 'undefined all -'],
      ['0 x -', '0 y -', 'undefined all -'],
      ['1 z -', 'undefined all -'],
    ])
    subscribe(b, 0, 'room.*', false)
    c.leave()
    assert.equal(shared.publish({ topic: 'room.1', message: 'rest' }), 1)
  })
})
