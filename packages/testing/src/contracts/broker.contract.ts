import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BrokerContent, ResumableBroker, ResumableTopic } from '../../../twoway/dist/ports/broker/broker.js'
import type { TopicMessage } from '../../../twoway/dist/ports/broker/topic-position.js'

/** A broker's storage, with the history of at least 100 messages and of at most 200. */
export interface BrokerSetup {
  /** Whether the broker refuses patterns. @default false */
  readonly refusesPatterns?: boolean
  /** A node of its own on the storage. */
  connect(): Promise<ResumableBroker>
  close(): Promise<void>
}

/** A topic that one node has open, and the messages that it got. */
class Opened {
  readonly stored: TopicMessage<BrokerContent>[] = []
  readonly volatile: BrokerContent[] = []
  topic!: ResumableTopic
  onMessage: (message: TopicMessage<BrokerContent>) => void = () => {}
  #waiting: { isDone: () => boolean; resolve: () => void }[] = []

  static async on(broker: ResumableBroker, name: string): Promise<Opened> {
    const opened = new Opened()
    opened.topic = await broker.open(name, {
      stored: (message) => {
        opened.stored.push(message)
        opened.onMessage(message)
        opened.#changed()
      },
      volatile: (content) => {
        opened.volatile.push(content)
        opened.#changed()
      },
    })
    return opened
  }

  get contents(): BrokerContent[] {
    return this.stored.map(({ content }) => content)
  }

  /** Resolves when this many stored and volatile messages have come. */
  async received(stored: number, volatile = 0): Promise<void> {
    const isDone = (): boolean => this.stored.length >= stored && this.volatile.length >= volatile
    if (!isDone()) await new Promise<void>((resolve) => this.#waiting.push({ isDone, resolve }))
  }

  #changed(): void {
    for (const { isDone, resolve } of this.#waiting) if (isDone()) resolve()
  }
}

/** The rules of a resumable broker, for one implementation of it. */
export function brokerContract(name: string, setUp: () => Promise<BrokerSetup>): void {
  describe(`broker: ${name}`, () => {
    const check = (rule: string, body: (setup: BrokerSetup) => Promise<void>): void => {
      test(rule, { timeout: 30_000 }, async (context) => {
        const setup = await setUp()
        // Also after a timeout: a client that stays tries to connect for ever, and its process would not end.
        context.after(() => setup.close())
        await body(setup)
      })
    }

    check('says that it is resumable', async (setup) => {
      assert.equal((await setup.connect()).delivery, 'resumable')
    })

    check('gives all nodes one order, with offsets from 1 on and the mark of the predecessor', async (setup) => {
      const nodes = [await setup.connect(), await setup.connect(), await setup.connect()]
      const opened = await Promise.all(nodes.map((node) => Opened.on(node, 'a')))
      const before = await opened[0]!.topic.head()
      assert.deepEqual(before, { epoch: before.epoch, offset: 0, mark: '' })
      const positions = await Promise.all(
        Array.from({ length: 60 }, (_, index) => opened[index % 3]!.topic.publish(`${index}`)),
      )
      for (const each of opened) await each.received(60)
      const [{ stored }] = opened as [Opened]
      for (const each of opened) assert.deepEqual(each.stored, stored)
      for (const [index, { position, previousMark }] of stored.entries()) {
        assert.equal(position.offset, index + 1)
        assert.equal(position.epoch, before.epoch)
        assert.notEqual(position.mark, '')
        assert.equal(previousMark, stored[index - 1]?.position.mark ?? '')
      }
      for (const [index, position] of positions.entries()) {
        assert.equal(stored.find((each) => each.position.offset === position.offset)!.content, `${index}`)
      }
      for (const each of opened) assert.deepEqual(await each.topic.head(), stored.at(-1)!.position)
    })

    check('keeps topics apart', async (setup) => {
      const node = await setup.connect()
      const [a, b] = [await Opened.on(node, 'a'), await Opened.on(node, 'b')]
      await a.topic.publish('to a')
      assert.equal((await b.topic.publish('to b')).offset, 1)
      await Promise.all([a.received(1), b.received(1)])
      assert.deepEqual([a.contents, b.contents], [['to a'], ['to b']])
    })

    check('carries text as text and bytes as bytes', async (setup) => {
      const opened = await Opened.on(await setup.connect(), 'a')
      const contents = ['', 'é🙂', '\0"\n', new Uint8Array(), Uint8Array.of(0, 255, 128)]
      for (const content of contents) {
        await opened.topic.publish(content)
        opened.topic.send(content)
      }
      await opened.received(5, 5)
      for (const got of [opened.contents, opened.volatile]) {
        assert.deepEqual(
          got.map((content) => (typeof content === 'string' ? content : Uint8Array.from(content))),
          contents,
        )
      }
    })

    check('gives no order away to a node that publishes while it is called', async (setup) => {
      const node = await setup.connect()
      const [first, second] = [await Opened.on(node, 'a'), await Opened.on(await setup.connect(), 'a')]
      let answered: Promise<unknown> | undefined
      first.onMessage = ({ content }) => {
        if (content === 'question') answered = first.topic.publish('answer')
      }
      await first.topic.publish('question')
      await Promise.all([first.received(2), second.received(2)])
      await answered
      assert.deepEqual(first.contents, ['question', 'answer'])
      assert.deepEqual(second.contents, ['question', 'answer'])
    })

    check('stores a publish with the same id once, and answers its first position', async (setup) => {
      const [first, second] = [await Opened.on(await setup.connect(), 'a'), await Opened.on(await setup.connect(), 'a')]
      const position = await first.topic.publish('once', 'id 1')
      assert.deepEqual(await second.topic.publish('once', 'id 1'), position)
      const other = await Opened.on(await setup.connect(), 'b')
      assert.equal((await other.topic.publish('its own', 'id 1')).offset, 1)
      assert.equal((await second.topic.publish('next', 'id 2')).offset, 2)
      await second.received(2)
      assert.deepEqual(second.contents, ['once', 'next'])
    })

    check('resumes from each position with all that follows', async (setup) => {
      const { topic } = await Opened.on(await setup.connect(), 'a')
      const positions = [await topic.head()]
      for (let index = 1; index <= 20; index += 1) positions.push(await topic.publish(`${index}`))
      const reader = await Opened.on(await setup.connect(), 'a')
      for (const [offset, position] of positions.entries()) {
        const answer = await reader.topic.since(position, 100)
        assert.ok(answer.recovered)
        assert.deepEqual(answer.head, positions[20])
        assert.deepEqual(
          answer.messages.map(({ position }) => position),
          positions.slice(offset + 1),
        )
      }
    })

    check('refuses a position with its reason and the head', async (setup) => {
      const { topic } = await Opened.on(await setup.connect(), 'a')
      const start = await topic.head()
      let head = start
      for (let index = 1; index <= 10; index += 1) head = await topic.publish(`${index}`)
      const refused = async (change: Partial<typeof head>, most = 100): Promise<string> => {
        const answer = await topic.since({ ...head, ...change }, most)
        assert.deepEqual(answer.head, head)
        return answer.recovered ? 'recovered' : answer.reason
      }
      assert.equal(await refused({}), 'recovered')
      assert.equal(await refused({ epoch: 'other' }), 'unknown-epoch')
      assert.equal(await refused({ mark: 'other' }), 'rewound')
      assert.equal(await refused({ offset: 5 }), 'rewound')
      assert.equal(await refused({ offset: 11 }), 'rewound')
      assert.equal(await refused(start, 9), 'limit')
      assert.equal(await refused(start, 10), 'recovered')
      for (let index = 11; index <= 211; index += 1) head = await topic.publish(`${index}`)
      assert.equal(await refused(start, 1000), 'expired')
    })

    check('has a position for the one who comes back when no node had the topic open', async (setup) => {
      const node = await setup.connect()
      const first = await Opened.on(node, 'a')
      const position = await first.topic.publish('1')
      first.topic.leave()
      const second = await Opened.on(await setup.connect(), 'a')
      assert.deepEqual(await second.topic.head(), position)
      assert.deepEqual(await second.topic.since(position, 10), { recovered: true, head: position, messages: [] })
    })

    check('starts with the message after the head, and stops when the node leaves', async (setup) => {
      const [publisher, leaver] = [await Opened.on(await setup.connect(), 'a'), await setup.connect()]
      await publisher.topic.publish('before')
      const opened = await Opened.on(leaver, 'a')
      await publisher.topic.publish('while')
      await opened.received(1)
      opened.topic.leave()
      opened.topic.leave()
      await publisher.topic.publish('after')
      publisher.topic.send('after')
      await publisher.received(3, 1)
      assert.deepEqual([opened.contents, opened.volatile], [['while'], []])
    })

    check('gives a node that opens the topic during a message only what follows', async (setup) => {
      const [publisher, node] = [await Opened.on(await setup.connect(), 'a'), await setup.connect()]
      let opening: Promise<Opened> | undefined
      publisher.onMessage = () => {
        opening ??= Opened.on(node, 'a')
      }
      await publisher.topic.publish('before')
      await publisher.received(1)
      const late = await opening!
      await publisher.topic.publish('after')
      await late.received(1)
      assert.deepEqual(late.contents, ['after'])
    })

    check('gives the newest messages with the head', async (setup) => {
      const { topic } = await Opened.on(await setup.connect(), 'a')
      assert.deepEqual(await topic.last(10), { head: await topic.head(), messages: [] })
      let head = await topic.head()
      for (let index = 1; index <= 5; index += 1) head = await topic.publish(`${index}`)
      for (const [most, expected] of [
        [0, ''],
        [2, '4 5'],
        [5, '1 2 3 4 5'],
        [100, '1 2 3 4 5'],
      ] as const) {
        const answer = await topic.last(most)
        assert.deepEqual(answer.head, head)
        assert.equal(answer.messages.map(({ content }) => content).join(' '), expected)
      }
    })

    check('reports the topics of a pattern, in the order of each, until it ends', async (setup) => {
      const [publisher, watcher] = [await setup.connect(), await setup.connect()]
      if (setup.refusesPatterns === true) {
        await assert.rejects(watcher.watch('room.*', { stored: () => {}, volatile: () => {} }), /pattern/)
        return
      }
      const log: string[] = []
      let tell: () => void = () => {}
      const end = await watcher.watch('room.*', {
        stored: (topic, { position, content }) => {
          log.push(`${topic} ${position.offset} ${content}`)
          tell()
        },
        volatile: (topic, content) => {
          log.push(`${topic} ${content}`)
          tell()
        },
      })
      const logged = async (count: number): Promise<void> => {
        while (log.length < count) await new Promise<void>((resolve) => (tell = resolve))
      }
      const rooms = [await Opened.on(publisher, 'room.1'), await Opened.on(publisher, 'room.2')] as const
      const other = await Opened.on(publisher, 'hall.1')
      await rooms[0].topic.publish('a')
      await other.topic.publish('not matched')
      await rooms[1].topic.publish('b')
      await rooms[0].topic.publish('c')
      await logged(3)
      rooms[1].topic.send('d')
      await logged(4)
      assert.deepEqual(log.toSorted(), ['room.1 1 a', 'room.1 2 c', 'room.2 1 b', 'room.2 d'])
      assert.ok(log.indexOf('room.1 1 a') < log.indexOf('room.1 2 c'))
      end()
      end()
      await rooms[0].topic.publish('e')
      await rooms[0].received(3)
      assert.equal(log.length, 4)
    })

    check('sends volatile messages to all nodes, and stores none', async (setup) => {
      const opened = [await Opened.on(await setup.connect(), 'a'), await Opened.on(await setup.connect(), 'a')]
      for (let index = 0; index < 10; index += 1) opened[0]!.topic.send(`${index}`)
      for (const each of opened) {
        await each.received(0, 10)
        assert.deepEqual(
          each.volatile,
          Array.from({ length: 10 }, (_, index) => `${index}`),
        )
        assert.equal((await each.topic.head()).offset, 0)
      }
    })
  })
}
