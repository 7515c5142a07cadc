import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { headers, InvalidArgumentError, type Msg } from '@nats-io/nats-core'
import type { BrokerContent, TopicPosition } from 'twoway/hub'
import { Backlog } from './backlog.js'
import { Publisher, type PublisherPorts } from './publisher.js'
import { SendWindow } from './send-window.js'
import { decodeEntry, mostTogether, positionsOf, readEntry } from './stream/envelope.js'
import { parseHeaders } from './stream/header-fields.js'
import { refusals } from './stream/stream.js'
import { StreamTail } from './stream/stream-tail.js'

const answered = (answer: unknown): Msg => ({ json: () => answer, headers: headers() }) as unknown as Msg
const refused = (number: number): Msg => answered({ error: { code: 400, err_code: number, description: 'refused' } })
const early = refused(refusals.wrongSequence)

interface Request {
  readonly id: string
  readonly contents: readonly BrokerContent[]
  readonly timeoutMs: number
}

/** A publisher behind message 1. A function answers its requests; those that it leaves are stored where they expect to be. */
function makePublisher(
  answer: (request: Request, number: number) => Msg | undefined | Promise<Msg | undefined>,
  changes: Partial<PublisherPorts> = {},
) {
  const requests: Request[] = []
  const backlog = new Backlog()
  let head = { sequence: 1, position: { epoch: 'e', offset: 1, mark: '1-a' } }
  const publisher = new Publisher({
    stream: 's',
    subject: 's.a',
    timeoutMs: 60_000,
    backlog,
    window: new SendWindow(),
    tail: new StreamTail(),
    async request(_, data, options) {
      const { encode } = options.headers as unknown as { encode(): Uint8Array }
      const fields = parseHeaders(Buffer.from(encode.call(options.headers)).toString())
      const request = { id: fields.get('Nats-Msg-Id')!, contents: decodeEntry(data), timeoutMs: options.timeout }
      requests.push(request)
      const given = await answer(request, requests.length)
      if (given !== undefined) return given
      const expected = fields.get('Nats-Expected-Last-Subject-Sequence') ?? fields.get('Nats-Expected-Last-Sequence')
      if (Number(expected) !== head.sequence) return early
      const sequence = head.sequence + 1
      head = { sequence, position: readEntry(sequence, fields, data).messages.at(-1)!.position }
      return answered({ seq: sequence })
    },
    readHead: async () => head,
    isReplicated: () => false,
    follows: async () => true,
    validPositionsAt: async () => [],
    ...changes,
  })
  const contents = (): string[] => requests.map((request) => request.contents.join(' '))
  return { publisher, requests, contents, backlog }
}

const offsets = (positions: readonly TopicPosition[]): number[] => positions.map(({ offset }) => offset)
const publishAll = (publisher: Publisher, contents: readonly BrokerContent[]): Promise<TopicPosition[]> =>
  Promise.all(contents.map((content) => publisher.publish(content, undefined)))

describe('Publisher', () => {
  it('waits between attempts that the server refuses, and rejects at the deadline', async () => {
    const { publisher, requests } = makePublisher(() => early, { timeoutMs: 400 })
    await assert.rejects(publisher.publish('', undefined), /NATS has not stored the message within 400 ms/)
    assert.ok(requests.length > 3 && requests.length < 20, `${requests.length} attempts`)
  })

  it('leaves its place in the window to others while it waits', async () => {
    const window = new SendWindow()
    let isBusy = true
    const others = Array.from({ length: 16 }, () => makePublisher(() => (isBusy ? early : undefined), { window }))
    const published = others.map(({ publisher }) => publisher.publish('', undefined))
    while (others.some(({ requests }) => requests.length < 8)) await new Promise(setImmediate)
    let isStored = false
    const { publisher } = makePublisher(() => undefined, { window })
    const stored = publisher.publish('', undefined).then(() => {
      isStored = true
    })
    for (let turns = 0; !isStored && turns < 10; turns += 1) await new Promise(setImmediate)
    assert.ok(isStored)
    isBusy = false
    await Promise.all([stored, ...published])
  })

  it('rejects at the deadline although it has no place in the window', async (context) => {
    // As the requests of those that have a place would.
    const alive = setInterval(() => undefined, 1000)
    context.after(() => clearInterval(alive))
    const window = new SendWindow()
    const others = Array.from({ length: 16 }, () => makePublisher(() => new Promise(() => undefined), { window }))
    for (const { publisher } of others) void publisher.publish('', undefined)
    const { publisher, requests, backlog } = makePublisher(() => undefined, { window, timeoutMs: 100 })
    const published = ['a', 'b'].map((content) => publisher.publish(content, content))
    for (const each of published) await assert.rejects(each, /NATS has not stored the message within 100 ms/)
    assert.equal(requests.length, 0)
    for (let count = 0; count < 10_000; count += 1) backlog.add(0)
  })

  it('tries again at once after a message of another node', async () => {
    const { publisher, requests } = makePublisher((_, number) => (number < 4 ? early : answered({ seq: 5 })))
    assert.equal((await publisher.publish('', undefined)).offset, 2)
    assert.equal(requests.length, 4)
  })

  it('stores messages that wait together as one entry, with positions in a row', async () => {
    const { publisher, contents } = makePublisher(() => undefined)
    const first = await publishAll(publisher, ['a', 'b', 'c'])
    assert.deepEqual(contents(), ['a b c'])
    assert.deepEqual(first, [
      { epoch: 'e', offset: 2, mark: first[0]!.mark },
      { epoch: 'e', offset: 3, mark: first[1]!.mark },
      { epoch: 'e', offset: 4, mark: first[2]!.mark },
    ])
    assert.equal(new Set(first.map(({ mark }) => mark)).size, 3)
    assert.deepEqual(offsets(await publishAll(publisher, ['d'])), [5])
  })

  it('takes messages that come while an entry is on its way into the next one', async () => {
    let store = (): void => undefined
    const stored = new Promise<undefined>((resolve) => (store = () => resolve(undefined)))
    const { publisher, contents } = makePublisher(() => stored)
    const one = publisher.publish('a', undefined)
    await new Promise(setImmediate)
    const others = publishAll(publisher, ['b', 'c'])
    store()
    assert.deepEqual(offsets([await one, ...(await others)]), [2, 3, 4])
    assert.deepEqual(contents(), ['a', 'b c'])
  })

  it('gives a message with an id an entry of its own, in the order of the publishes', async () => {
    const { publisher, contents } = makePublisher(() => undefined)
    const published = ['a', 'b', 'keyed', 'again', 'c', 'd'].map((content, index) =>
      publisher.publish(content, index === 2 || index === 3 ? content : undefined),
    )
    assert.deepEqual(offsets(await Promise.all(published)), [2, 3, 4, 5, 6, 7])
    assert.deepEqual(contents(), ['a b', 'keyed', 'again', 'c d'])
  })

  it('shares an entry only within the limits', async () => {
    const { publisher, requests } = makePublisher(() => undefined)
    await publishAll(
      publisher,
      Array.from({ length: mostTogether.count + 1 }, () => ''),
    )
    assert.deepEqual(
      requests.map((request) => request.contents.length),
      [mostTogether.count, 1],
    )
    requests.length = 0
    const long = 'é'.repeat(mostTogether.bytes / 4)
    await publishAll(publisher, ['a', long, long, 'b', new Uint8Array(2 * mostTogether.bytes), 'c'])
    assert.deepEqual(
      requests.map((request) => request.contents.length),
      [2, 2, 1, 1],
    )
  })

  it('sends a refused entry again as it was', async () => {
    let later: Promise<TopicPosition> | undefined
    const { publisher, requests, contents } = makePublisher(() => {
      if (later !== undefined) return undefined
      later = publisher.publish('c', undefined)
      return early
    })
    const all = publishAll(publisher, ['a', 'b'])
    assert.deepEqual(offsets([...(await all), await later!]), [2, 3, 4])
    assert.deepEqual(contents(), ['a b', 'a b', 'c'])
    assert.equal(requests[0]!.id, requests[1]!.id)
  })

  it('answers a repeated request with the positions of the first one', async () => {
    const positions = positionsOf(9, 'first', { epoch: 'e', offset: 20, count: 2 })
    const { publisher } = makePublisher(() => answered({ seq: 9, duplicate: true }), {
      validPositionsAt: async () => positions,
    })
    assert.deepEqual(await publishAll(publisher, ['a', 'b']), positions)
  })

  it('gives a publish the id of its repetition, and others those of their own, of 128 bits', async () => {
    const idOf = async (subject: string, id: string): Promise<string> => {
      const { publisher, requests } = makePublisher(() => undefined, { subject })
      await publisher.publish('', id)
      return requests[0]!.id
    }
    const id = await idOf('s.a', '1')
    assert.match(id, /^[\w-]{22}$/)
    assert.equal(await idOf('s.a', '1'), id)
    // The two lone surrogates would be the same in UTF-8.
    const ids = [id, await idOf('s.b', '1'), await idOf('s.a', '\ud800'), await idOf('s.a', '\ud801')]
    assert.equal(new Set(ids).size, ids.length)
  })

  it('names the true predecessor behind a repeated publish that another node has stored last in the stream', async () => {
    const tail = new StreamTail()
    // The stream as JetStream has it: an id that it knows is answered before anything else is compared.
    const ids = ['']
    const places: string[] = []
    const { publisher } = makePublisher(() => undefined, {
      tail,
      async request(_, __, options) {
        const { encode } = options.headers as unknown as { encode(): Uint8Array }
        const fields = parseHeaders(Buffer.from(encode.call(options.headers)).toString())
        const id = fields.get('Nats-Msg-Id')!
        if (ids.includes(id)) return answered({ seq: ids.indexOf(id) + 1, duplicate: true })
        const last = fields.get('Nats-Expected-Last-Sequence') ?? ids.length
        if (Number(last) !== ids.length || (fields.get('Nats-Expected-Last-Msg-Id') ?? ids.at(-1)) !== ids.at(-1))
          return early
        places.push(fields.get('Twoway')!)
        return answered({ seq: ids.push(id) })
      },
      readHead: async () => ({
        sequence: ids.length,
        position: { epoch: 'e', offset: ids.length, mark: `${ids.length}-a` },
      }),
      validPositionsAt: async (sequence) => [{ epoch: 'e', offset: sequence, mark: `${sequence}-a` }],
    })
    await publisher.publish('keyed', 'id')
    const keyed = ids.pop()!
    publisher.forget()
    await publishAll(publisher, ['a'])
    // A message of another topic is on its way while the other node stores the one with the id.
    tail.take(1, 0)
    ids.push('other topic', keyed)
    publisher.learn(4, 2, { epoch: 'e', offset: 3, mark: '4-a' })
    tail.answered(3)
    await Promise.all([publisher.publish('keyed', 'id'), publisher.publish('b', undefined)])
    assert.match(places.at(-1)!, /^e 4 \S+ 4-a$/)
  })

  it('stores an entry that is void again, under another id', async () => {
    const { publisher, requests, contents } = makePublisher(() => undefined, {
      isReplicated: () => true,
      follows: async () => requests.length > 1,
    })
    await publishAll(publisher, ['a', 'b'])
    assert.deepEqual(contents(), ['a b', 'a b'])
    assert.notEqual(requests[0]!.id, requests[1]!.id)
  })

  it('gives the questions about an entry no more time than its publish has', async () => {
    const ends: number[] = []
    const ended = <Answer>(until: number, answer: Answer): Answer => {
      ends.push(until)
      return answer
    }
    const { publisher } = makePublisher(
      (_, number) => (number === 2 ? answered({ seq: 2, duplicate: true }) : undefined),
      {
        isReplicated: () => true,
        readHead: async (until) => ended(until, { sequence: 1, position: { epoch: 'e', offset: 1, mark: '1-a' } }),
        follows: async (_, __, until) => ended(until, true),
        validPositionsAt: async (_, until) => ended(until, [{ epoch: 'e', offset: 2, mark: '2-a' }]),
      },
    )
    for (const content of ['a', 'b']) await publisher.publish(content, undefined)
    const latest = performance.now() + 60_000
    assert.equal(ends.length, 3)
    for (const until of ends) assert.ok(until <= latest, `${until} is behind ${latest}`)
  })

  it('does not take messages together that have not as much time', async () => {
    const { publisher, requests, contents } = makePublisher(
      (_, number) => (number === 1 ? sleep(300, undefined) : undefined),
      { timeoutMs: 5000 },
    )
    const all = [publisher.publish('a', undefined)]
    await new Promise(setImmediate)
    all.push(publisher.publish('b', undefined))
    await sleep(150)
    all.push(publisher.publish('c', undefined))
    await Promise.all(all)
    assert.deepEqual(contents(), ['a', 'b', 'c'])
    assert.ok(requests.every(({ timeoutMs }) => timeoutMs <= 5000))
  })

  it('rejects all messages of an entry that is not answered', async () => {
    const { publisher, backlog } = makePublisher(() => Promise.reject(new Error('no answer')))
    const all = await Promise.allSettled(['a', 'b'].map((content) => publisher.publish(content, undefined)))
    for (const each of all) assert.match(String((each as PromiseRejectedResult).reason), /no answer/)
    // The backlog has room for all again.
    for (let count = 0; count < 10_000; count += 1) backlog.add(0)
    assert.throws(() => backlog.add(0), /10000 publishes wait/)
  })

  for (const [who, refusal] of [
    ['the client', () => Promise.reject(new InvalidArgumentError('max_payload size exceeded'))],
    ['the stream', () => refused(refusals.tooLong)],
  ] as const) {
    it(`stores messages one by one that are too long together for ${who}`, async () => {
      const { publisher, contents } = makePublisher(({ contents }) =>
        contents.join('').length > 10 ? refusal() : undefined,
      )
      const all = ['aaaaa', 'b'.repeat(11), 'ccccc', 'd'].map((content) => publisher.publish(content, undefined))
      const ends = await Promise.allSettled(all)
      assert.deepEqual(
        ends.map((end) => (end.status === 'fulfilled' ? end.value.offset : end.status)),
        [2, 'rejected', 3, 4],
      )
      await publishAll(publisher, ['e', 'f'])
      assert.equal(contents().at(-1), 'e f')
    })
  }
})
