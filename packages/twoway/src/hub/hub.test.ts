import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HubHarness, settle } from 'twoway-testing/harnesses/hub-harness.js'
import { UsageError } from '../core/errors.js'
import { HubError } from './hub-error.js'
import type { StandardSchema } from './schema.js'

const rooms = { topics: { 'room.*': { publish: true } } }

/** A schema for an object with a text of at most ten characters, which it trims. */
const note: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(value) {
      const { text } = (value ?? {}) as { text?: unknown }
      if (typeof text !== 'string') return { issues: [{ message: 'not a text', path: ['text'] }] }
      if (text.length > 10) return { issues: [{ message: 'too long', path: [{ key: 'text' }, 0] }] }
      return { value: { text: text.trim() } }
    },
  },
}

describe('createHub', () => {
  it('refuses options that it does not know or can not use, by a sentence', () => {
    const refused = (options: object, message: RegExp): void => {
      assert.throws(
        () => new HubHarness(options),
        (error: unknown) =>
          error instanceof UsageError && error.code === 'optionInvalid' && message.test(error.message),
      )
    }
    refused({ topic: {} }, /there is no option "topic" of createHub\(\).*did you mean topics/)
    refused({ topics: { 'room.*x': {} } }, /`topics` has the name "room\.\*x": \* and > must be a whole token/)
    refused({ topics: ['room.*'] }, /an object with a member for each name/)
    refused(
      { topics: { a: { pubish: true } } },
      /there is no option "pubish" of the rule "a" of createHub\(\).*did you mean publish/,
    )
    refused(
      { topics: { a: {}, 'room.*': { publish: 'yes' } } },
      /^the option topics\["room\.\*"\]\.publish must be true or false, or a function, not "yes"/,
    )
    refused({ topics: { a: true } }, /the options of the rule "a" of createHub\(\) must be an object/)
    refused({ topics: { a: { schema: {} } } }, /a schema with the interface Standard Schema/)
    refused({ requests: { add: 1 } }, /the request "add" must be a function/)
    refused({ maxTopics: 0 }, /maxTopics/)
    refused({ broker: {} }, /a broker that stores messages/)
  })
})

describe('a hub: the first message', () => {
  it('welcomes a client with its name, its user and the limits', async () => {
    const { connect } = bound(new HubHarness({ authenticate: ({ token }) => ({ user: String(token) }) }))
    const socket = connect()
    socket.say({ t: 'hello', token: 'ann' })
    await settle()
    assert.deepEqual(socket.take(), [
      { t: 'welcome', id: 'connection 1', user: 'ann', limits: { topics: 100, pending: 64 } },
    ])
  })

  it('takes the credentials of the request too', async () => {
    const { connect } = bound(
      new HubHarness({ authenticate: ({ request }) => ({ user: (request as { cookie: string }).cookie }) }),
    )
    const socket = connect({ cookie: 'bob' })
    socket.say({ t: 'hello' })
    await settle()
    assert.equal(socket.take()[0]!.user, 'bob')
  })

  it('takes the data that the server has for the connection', async () => {
    const harness = new HubHarness({ authenticate: ({ data }) => ({ user: data.user }) })
    const socket = harness.connect({}, { user: 'cid' })
    socket.say({ t: 'hello' })
    await settle()
    assert.equal(socket.take()[0]!.user, 'cid')
  })

  it('must be hello, and only once', async () => {
    const harness = new HubHarness(rooms)
    const early = harness.connect()
    early.say({ t: 'sub', id: 1, topic: 'room.1' })
    await settle()
    assert.deepEqual(early.take(), [
      { t: 'error', code: 'unauthorized', message: 'the first message must be "hello", not "sub"' },
    ])
    assert.equal(early.closeCode(), 4401)
    const again = await harness.enter()
    again.say({ t: 'hello' })
    await settle()
    assert.equal(again.closeCode(), 4400)
  })

  it('is refused with the text of a HubError, and without that of another error, which is reported', async () => {
    const secret = new Error('the password of the database is 1234')
    const harness = new HubHarness({
      authenticate({ token }) {
        if (token === 'old') throw new HubError('expired', 'sign in again')
        if (token === 'wrong') return undefined
        throw secret
      },
    })
    const refusals = [
      ['old', 4401, 'sign in again'],
      ['wrong', 4401, 'the credentials are not valid'],
      ['bug', 4401, 'the credentials could not be checked'],
    ] as const
    for (const [token, code, message] of refusals) {
      const socket = harness.connect()
      socket.say({ t: 'hello', token })
      await settle()
      assert.equal(socket.take()[0]!.message, message)
      assert.equal(socket.closeCode(), code)
    }
    assert.deepEqual(harness.reported, [secret])
    assert.equal(harness.hub.clients.size, 0)
  })

  it('must come and be answered in time', async () => {
    const harness = new HubHarness({ helloTimeoutMs: 1000, authenticate: () => new Promise(() => undefined) })
    const [silent, waiting] = [harness.connect(), harness.connect()]
    waiting.say({ t: 'hello' })
    await settle()
    harness.clock.advance(999)
    assert.equal(silent.closeCode(), undefined)
    harness.clock.advance(1)
    assert.equal(silent.closeCode(), 4401)
    assert.equal(waiting.closeCode(), 4401)
  })

  it('counts until the credentials expire, and auth renews them', async () => {
    const harness = new HubHarness({ authenticate: ({ token }) => ({ user: `${token}`, expiresInMs: 1000 }) })
    const [renewing, expiring] = [await harness.enter('ann'), await harness.enter('bob')]
    harness.clock.advance(900)
    renewing.say({ t: 'auth', id: 1, token: 'ann' })
    await settle()
    assert.deepEqual(renewing.take(), [{ t: 'ok', id: 1, expires: 1000 }])
    harness.clock.advance(100)
    assert.equal(expiring.take()[0]!.code, 'expired')
    assert.equal(expiring.closeCode(), 4401)
    harness.clock.advance(899)
    assert.equal(renewing.closeCode(), undefined)
    renewing.say({ t: 'auth', id: 2, token: 'eve' })
    await settle()
    assert.equal(renewing.closeCode(), 4401)
  })
})

describe('a hub: topics', () => {
  it('gives subscribers the messages in one order, with positions and predecessors', async () => {
    const harness = new HubHarness(rooms)
    const [ann, bob] = [await harness.enter(), await harness.enter()]
    for (const socket of [ann, bob]) socket.say({ t: 'sub', id: 1, topic: 'room.1' })
    await settle()
    const [started] = ann.take()
    assert.deepEqual(started, { t: 'ok', id: 1, count: 0, at: [started!.at![0], 0, ''] })
    bob.take()
    ann.say({ t: 'pub', id: 2, topic: 'room.1', data: { a: 1 } })
    bob.say({ t: 'pub', id: 2, topic: 'room.1', data: 'é' })
    await settle()
    const messages = ann.take().filter((message) => message.t === 'msg')
    const marks = messages.map(({ at }) => at![2])
    const epoch = started!.at![0]
    assert.deepEqual(messages, [
      { t: 'msg', topic: 'room.1', at: [epoch, 1, marks[0]], prev: '', data: { a: 1 } },
      { t: 'msg', topic: 'room.1', at: [epoch, 2, marks[1]], prev: marks[0], data: 'é' },
    ])
    assert.deepEqual(
      bob.take().filter((message) => message.t === 'msg'),
      messages,
    )
    assert.equal(harness.server.framed, 2)
  })

  it('names the user who published', async () => {
    const harness = new HubHarness({ ...rooms, authenticate: ({ token }) => ({ user: `${token}` }) })
    const ann = await harness.enter('ann')
    ann.say({ t: 'sub', id: 1, topic: 'room.1' })
    ann.say({ t: 'pub', id: 2, topic: 'room.1', data: 1 })
    await settle()
    await harness.hub.publish('room.1', 2)
    await settle()
    const from = ann.take().flatMap((message) => (message.t === 'msg' ? [message.from] : []))
    assert.deepEqual(from, ['ann', undefined])
  })

  it('carries bytes in a message of their own, behind the one that announces it', async () => {
    const harness = new HubHarness({ authenticate: () => ({ user: 'ä"🙂' }), ...rooms })
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'room.1' })
    socket.say({ t: 'pub', id: 2, topic: 'room.1', bin: true, key: 'k' })
    socket.say(Uint8Array.of(0, 1, 255))
    await settle()
    const [, header, body, ok] = socket.take()
    const { at } = header!
    assert.deepEqual(header, { t: 'msg', topic: 'room.1', at, prev: '', from: 'ä"🙂', bin: true })
    assert.deepEqual(body, { bytes: Uint8Array.of(0, 1, 255) })
    assert.deepEqual(ok, { t: 'ok', id: 2, at })
  })

  it('refuses a question with a wrong field alone, and takes the next one', async () => {
    const harness = new HubHarness(rooms)
    const socket = await harness.enter()
    const said = [
      { t: 'pub', id: 1, data: 1 },
      { t: 'pub', id: 2, bin: true },
      Uint8Array.of(1),
      { t: 'vol', topic: 'room.1', key: 5, bin: true },
      Uint8Array.of(1),
      { t: 'sub', id: 3, topic: 'room.1', slow: 'fast' },
      { t: 'unsub', id: 4, topic: 'room.1' },
    ]
    for (const message of said) socket.say(message)
    await settle()
    const topic = '"topic" of a message "pub" must be a string, not undefined'
    const slow = '"slow" of a message "sub" must be "catch-up", "close" or "latest", not "fast"'
    assert.deepEqual(socket.take(), [
      { t: 'error', id: 1, code: 'malformed', message: topic },
      { t: 'error', id: 2, code: 'malformed', message: topic },
      {
        t: 'error',
        topic: 'room.1',
        code: 'malformed',
        message: '"key" of a message "vol" must be a string, not 5',
      },
      { t: 'error', id: 3, code: 'malformed', message: slow },
      { t: 'ok', id: 4 },
    ])
    assert.equal(socket.closeCode(), undefined)
    assert.deepEqual(harness.reported, [])
  })

  it('ends a client whose binary message was not announced, or did not follow', async () => {
    const harness = new HubHarness(rooms)
    const [lone, late] = [await harness.enter(), await harness.enter()]
    lone.say(Uint8Array.of(1))
    assert.equal(lone.closeCode(), 4400)
    late.say({ t: 'pub', id: 1, topic: 'room.1', bin: true })
    late.say({ t: 'ping' })
    assert.equal(late.closeCode(), 4400)
  })

  it('gives older messages on request', async () => {
    const harness = new HubHarness(rooms)
    for (let index = 1; index <= 5; index += 1) await harness.hub.publish('room.1', index)
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'room.1', last: 2 })
    await settle()
    const [ok, ...messages] = socket.take()
    assert.equal(ok!.count, 2)
    assert.deepEqual(
      messages.map((message) => message.data),
      [4, 5],
    )
    socket.say({ t: 'hist', id: 2, topic: 'room.1', last: 3 })
    await settle()
    const parts = socket.take()
    assert.deepEqual(
      parts.map((part) => [part.t, part.id, part.data]),
      [
        ['part', 2, 3],
        ['part', 2, 4],
        ['part', 2, 5],
        ['ok', 2, undefined],
      ],
    )
  })

  it('resumes a client at its position, or says why not', async () => {
    const harness = new HubHarness({ ...rooms, historyCount: 5, ringCount: 2 })
    const positions: [string, number, string][] = []
    for (let index = 1; index <= 8; index += 1) {
      const { epoch, offset, mark } = (await harness.hub.publish('room.1', index))!
      positions.push([epoch, offset, mark])
    }
    const resumed = async (at: readonly [string, number, string]): Promise<unknown> => {
      const socket = await harness.enter()
      socket.say({ t: 'sub', id: 1, topic: 'room.1', at })
      await settle()
      const [ok, ...messages] = socket.take()
      assert.deepEqual(ok!.at, positions[7])
      assert.equal(ok!.count, messages.length)
      return ok!.recovered === true ? messages.map((message) => message.data) : ok!.reason
    }
    const [epoch, , mark] = positions[7]!
    assert.deepEqual(await resumed(positions[7]!), [])
    assert.deepEqual(await resumed(positions[6]!), [8])
    assert.deepEqual(await resumed(positions[2]!), [4, 5, 6, 7, 8])
    assert.equal(await resumed(positions[1]!), 'expired')
    assert.equal(await resumed(['another', 8, mark]), 'unknown-epoch')
    assert.equal(await resumed([epoch, 7, mark]), 'rewound')
    assert.equal(await resumed([epoch, 9, mark]), 'rewound')
    const { recovered, notRecovered } = harness.hub.metrics()
    assert.equal(recovered, 3)
    assert.deepEqual(notRecovered, { expired: 1, 'unknown-epoch': 1, rewound: 2 })
  })

  it('packs the messages that a client has missed into a run, if it takes one', async () => {
    const harness = new HubHarness({ topics: { 'room.*': { publish: true } }, authenticate: () => ({ user: 'ä"' }) })
    const ann = await harness.enter()
    const position = (await harness.hub.publish('room.1', 0))!
    const start = [position.epoch, position.offset, position.mark] as const
    await harness.hub.publish('room.1', { a: [1] })
    ann.say({ t: 'pub', id: 1, topic: 'room.1', data: 'é' })
    ann.say({ t: 'pub', id: 2, topic: 'room.1' })
    await settle()
    await harness.hub.publish('room.1', Uint8Array.of(1, 2))
    const last = (await harness.hub.publish('room.1', 5))!
    const missed = async (more: object) => {
      const socket = await harness.enter()
      socket.say({ t: 'sub', id: 1, topic: 'room.1', at: start, ...more })
      await settle()
      const [ok, ...messages] = socket.take()
      assert.deepEqual([ok!.recovered, ok!.count], [true, 5])
      return messages
    }
    const alone = await missed({})
    const marks = alone.flatMap(({ at }) => (at === undefined ? [] : [at[2]]))
    const [run, header, bytes, end] = await missed({ run: true })
    assert.deepEqual(run, {
      t: 'run',
      topic: 'room.1',
      at: start,
      items: [
        [marks[0], { a: [1] }],
        [marks[1], 'é', 'ä"'],
        [marks[2], null, 'ä"'],
      ],
    })
    assert.deepEqual([header, bytes, end], alone.slice(3))
    assert.deepEqual(end!.at, [last.epoch, last.offset, last.mark])
    assert.equal(harness.hub.metrics().delivered, 10)
  })

  it('asks the broker once for any number of clients that come back', async () => {
    const harness = new HubHarness(rooms)
    const first = (await harness.hub.publish('room.1', 0))!
    for (let index = 1; index <= 100; index += 1) await harness.hub.publish('room.1', index)
    const sockets = await Promise.all(Array.from({ length: 50 }, () => harness.enter()))
    for (const socket of sockets) {
      socket.say({ t: 'sub', id: 1, topic: 'room.1', at: [first.epoch, first.offset, first.mark] })
    }
    await settle()
    for (const socket of sockets) assert.equal(socket.take().length, 101)
    assert.equal(harness.hub.metrics().brokerReads, 1)
    assert.equal(harness.hub.metrics().delivered, 50 * 100)
    assert.equal(harness.server.framed, 100)
    assert.equal(harness.server.joined, 1)
  })

  it('stores a publish with the same key once', async () => {
    const harness = new HubHarness(rooms)
    const socket = await harness.enter()
    for (const id of [1, 2]) socket.say({ t: 'pub', id, topic: 'room.1', data: 1, key: 'k' })
    await settle()
    const [first, second] = socket.take()
    assert.deepEqual(first!.at, second!.at)
  })

  it('sends a volatile message without a position or an answer', async () => {
    const harness = new HubHarness({ topics: { 'cursor.>': { publish: true, store: false }, closed: {} } })
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'cursor.a.b' })
    await settle()
    socket.take()
    socket.say({ t: 'vol', topic: 'cursor.a.b', key: 'k', data: [1] })
    socket.say({ t: 'pub', id: 2, topic: 'cursor.a.b', data: 2 })
    socket.say({ t: 'vol', topic: 'closed', data: 1 })
    await settle()
    assert.deepEqual(socket.take(), [
      { t: 'vol', topic: 'cursor.a.b', key: 'k', data: [1] },
      { t: 'vol', topic: 'cursor.a.b', data: 2 },
      { t: 'error', topic: 'closed', code: 'forbidden', message: 'this client may not publish to "closed"' },
      { t: 'ok', id: 2 },
    ])
  })

  it('stops at unsub, and starts anew at another sub', async () => {
    const harness = new HubHarness(rooms)
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'room.1' })
    socket.say({ t: 'sub', id: 2, topic: 'room.1' })
    await settle()
    await harness.hub.publish('room.1', 1)
    socket.say({ t: 'unsub', id: 3, topic: 'room.1' })
    socket.say({ t: 'unsub', id: 4, topic: 'room.1' })
    await settle()
    await harness.hub.publish('room.1', 2)
    assert.deepEqual(
      socket.take().map((message) => message.t),
      ['ok', 'ok', 'msg', 'ok', 'ok'],
    )
  })
})

describe('a hub: rules', () => {
  it('decides by the first rule that matches, for topics and patterns', async () => {
    const harness = new HubHarness({
      topics: {
        'room.secret': { subscribe: ({ user }: { user: string }) => user === 'admin' },
        'room.*': { publish: async (_: unknown, topic: string) => topic === 'room.1' },
        'log.>': { subscribe: false },
      } as never,
      authenticate: ({ token }) => ({ user: `${token}` }),
    })
    const socket = await harness.enter('ann')
    const refusal = async (message: object): Promise<unknown> => {
      socket.say({ id: 1, ...message })
      await settle()
      const [answer] = socket.take()
      return answer!.code
    }
    assert.equal(await refusal({ t: 'sub', topic: 'room.secret' }), 'forbidden')
    assert.equal(await refusal({ t: 'hist', topic: 'room.secret', last: 1 }), 'forbidden')
    assert.equal(await refusal({ t: 'sub', topic: 'log.a' }), 'forbidden')
    assert.equal(await refusal({ t: 'sub', topic: 'hall' }), 'unknown-topic')
    assert.equal(await refusal({ t: 'sub', topic: 'room.>' }), 'unknown-topic')
    assert.equal(await refusal({ t: 'sub', topic: '$nodes' }), 'forbidden')
    assert.equal(await refusal({ t: 'sub', topic: 'a b' }), 'invalid')
    assert.equal(await refusal({ t: 'pub', topic: 'room.*', data: 1 }), 'invalid')
    assert.equal(await refusal({ t: 'pub', topic: 'room.2', data: 1 }), 'forbidden')
    assert.equal(await refusal({ t: 'pub', topic: 'log.a', data: 1 }), 'forbidden')
    assert.equal(await refusal({ t: 'who', topic: 'room.1' }), 'forbidden')
    assert.equal(await refusal({ t: 'pub', topic: 'room.1', data: 1 }), undefined)
    assert.equal(await refusal({ t: 'sub', topic: 'room.*' }), undefined)
  })

  it('delivers no topic of an earlier rule to a pattern', async () => {
    const harness = new HubHarness({ topics: { 'room.secret': { subscribe: false }, 'room.*': {} } })
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'room.*' })
    await settle()
    socket.take()
    await harness.hub.publish('room.secret', 1)
    await harness.hub.publish('room.1', 2)
    assert.deepEqual(
      socket.take().map((message) => message.topic),
      ['room.1'],
    )
  })

  it('gives a client each message once, however many of its subscriptions match', async () => {
    const harness = new HubHarness({ topics: { '>': {} } })
    const socket = await harness.enter()
    for (const [id, topic] of ['a.*', 'a.b', '>', '*.b', 'a.>'].entries()) socket.say({ t: 'sub', id, topic })
    await settle()
    socket.take()
    await harness.hub.publish('a.b', 1)
    await harness.hub.publish('a.c', 2)
    await harness.hub.publish('a.b', 3, { volatile: true })
    assert.deepEqual(
      socket.take().map((message) => message.data),
      [1, 2, 3],
    )
  })

  it('checks the data of a client by the schema, and publishes what the schema makes of them', async () => {
    const harness = new HubHarness({ topics: { notes: { publish: true, schema: note } } })
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'notes' })
    socket.say({ t: 'pub', id: 2, topic: 'notes', data: { text: ' a ', more: 1 } })
    socket.say({ t: 'pub', id: 3, topic: 'notes', data: { text: 'longer than ten' } })
    socket.say({ t: 'pub', id: 4, topic: 'notes' })
    await settle()
    const all = socket.take()
    const [message, tooLong, none] = [all[1], ...[3, 4].map((id) => all.find((each) => each.id === id))]
    assert.deepEqual(message!.data, { text: 'a' })
    assert.deepEqual(tooLong, {
      t: 'error',
      id: 3,
      code: 'invalid',
      message: 'the data do not meet the schema at text.0: too long',
      path: ['text', 0],
    })
    assert.equal(none!.code, 'invalid')
  })

  it('takes the messages of a client in their order, though a permission takes its time', async () => {
    let allow: (isAllowed: boolean) => void = () => undefined
    const harness = new HubHarness({
      topics: {
        slow: { publish: () => new Promise<boolean>((resolve) => (allow = resolve)) },
        fast: { publish: true },
      },
    })
    const socket = await harness.enter()
    socket.say({ t: 'pub', id: 1, topic: 'slow', data: 1 })
    socket.say({ t: 'pub', id: 2, topic: 'fast', data: 1 })
    await settle()
    assert.deepEqual(socket.take(), [])
    allow(true)
    await settle()
    assert.deepEqual(
      socket.take().map((message) => message.id),
      [1, 2],
    )
  })

  it('reads no further from a client whose messages wait', async () => {
    let allow: (isAllowed: boolean) => void = () => undefined
    const harness = new HubHarness({
      topics: {
        slow: { publish: () => new Promise<boolean>((resolve) => (allow = resolve)) },
        fast: { publish: true },
      },
    })
    const socket = await harness.enter()
    socket.say({ t: 'pub', id: 0, topic: 'slow' })
    for (let id = 1; id <= 16; id += 1) {
      assert.equal(socket.isPaused, false)
      socket.say({ t: 'pub', id, topic: 'fast' })
    }
    assert.equal(socket.isPaused, true)
    allow(true)
    await settle()
    assert.equal(socket.isPaused, false)
    assert.equal(socket.take().length, 17)
  })
})

describe('a hub: requests', () => {
  const requests = {
    add: ([a, b]: [number, number]) => a + b,
    later: async (value: unknown) => value,
    nothing: () => undefined,
    bytes: () => Uint8Array.of(1, 2),
    async *count(most: number) {
      for (let index = 1; index <= most; index += 1) yield index
    },
    refuse() {
      throw new HubError('forbidden', 'not you', { path: ['a'], retryAfterMs: 5 })
    },
    fail() {
      throw new Error('a secret')
    },
    checked: { input: note, handle: ({ text }: { text: string }) => text },
  }

  it('are answered: by a value, a promise, bytes, parts, an error', async () => {
    const harness = new HubHarness({ requests })
    const socket = await harness.enter()
    const answers = async (message: object) => {
      socket.say({ t: 'req', id: 7, ...message })
      await settle()
      return socket.take()
    }
    assert.deepEqual(await answers({ method: 'add', data: [1, 2] }), [{ t: 'ok', id: 7, data: 3 }])
    assert.deepEqual(await answers({ method: 'later', data: 'x' }), [{ t: 'ok', id: 7, data: 'x' }])
    assert.deepEqual(await answers({ method: 'nothing' }), [{ t: 'ok', id: 7 }])
    assert.deepEqual(await answers({ method: 'bytes' }), [
      { t: 'ok', id: 7, bin: true },
      { bytes: Uint8Array.of(1, 2) },
    ])
    assert.deepEqual(await answers({ method: 'count', data: 2 }), [
      { t: 'part', id: 7, data: 1 },
      { t: 'part', id: 7, data: 2 },
      { t: 'ok', id: 7 },
    ])
    assert.deepEqual(await answers({ method: 'checked', data: { text: ' a' } }), [{ t: 'ok', id: 7, data: 'a' }])
    const code = async (message: object): Promise<unknown> => (await answers(message))[0]!.code
    assert.equal(await code({ method: 'checked', data: 1 }), 'invalid')
    assert.equal(await code({ method: 'none' }), 'unknown-method')
    assert.equal(await code({ method: 'toString' }), 'unknown-method')
    assert.deepEqual(await answers({ method: 'refuse' }), [
      { t: 'error', id: 7, code: 'forbidden', message: 'not you', path: ['a'], retry: 5 },
    ])
    assert.deepEqual(await answers({ method: 'fail' }), [
      {
        t: 'error',
        id: 7,
        code: 'failed',
        message: 'the request "fail" failed on the server, which has reported the reason',
      },
    ])
    assert.deepEqual(harness.reported.map(String), ['Error: a secret'])
  })

  it('end when they are cancelled, take too long, or the client leaves, and their signal tells the handler', async () => {
    const ends: unknown[] = []
    const wait = (name: unknown, { signal }: { signal: AbortSignal }): Promise<unknown> =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          ends.push([name, (signal.reason as HubError).code])
          resolve('too late')
        })
      })
    const harness = new HubHarness({ requests: { wait } as never, requestTimeoutMs: 1000 })
    const socket = await harness.enter()
    socket.say({ t: 'req', id: 1, method: 'wait', data: 'cancelled' })
    socket.say({ t: 'req', id: 2, method: 'wait', data: 'short', within: 10 })
    socket.say({ t: 'req', id: 3, method: 'wait', data: 'long', within: 5000 })
    socket.say({ t: 'req', id: 4, method: 'wait', data: 'left' })
    await settle()
    socket.say({ t: 'cancel', id: 1 })
    socket.say({ t: 'cancel', id: 99 })
    harness.clock.advance(10)
    await settle()
    const codes = () => socket.take().map((message) => [message.id, message.code])
    assert.deepEqual(codes(), [
      [1, 'cancelled'],
      [2, 'timeout'],
    ])
    socket.leave()
    await settle()
    assert.deepEqual(ends, [
      ['cancelled', 'cancelled'],
      ['short', 'timeout'],
      ['long', 'cancelled'],
      ['left', 'cancelled'],
    ])
    const other = await harness.enter()
    other.say({ t: 'req', id: 1, method: 'wait' })
    await settle()
    harness.clock.advance(1000)
    assert.equal(other.take()[0]!.code, 'timeout')
  })

  it('are limited in number, and an id that waits can not be used again', async () => {
    const harness = new HubHarness({ requests: { wait: () => new Promise(() => undefined) }, maxPending: 2 })
    const socket = await harness.enter()
    for (const id of [1, 2, 3]) socket.say({ t: 'req', id, method: 'wait' })
    await settle()
    const [refused] = socket.take()
    assert.deepEqual([refused!.id, refused!.code, refused!.retry], [3, 'limit', 1000])
    socket.say({ t: 'req', id: 1, method: 'wait' })
    await settle()
    assert.equal(socket.closeCode(), 4400)
  })
})

describe('a hub: limits', () => {
  it('bounds the subscriptions of a client and the topics of all', async () => {
    const harness = new HubHarness({ topics: { '*': {} }, maxTopicsPerClient: 2, maxTopics: 3 })
    const [ann, bob] = [await harness.enter(), await harness.enter()]
    const codes = async (socket: typeof ann, topics: string): Promise<unknown[]> => {
      for (const topic of topics) socket.say({ t: 'sub', id: 1, topic })
      await settle()
      return socket.take().map((message) => message.code)
    }
    assert.deepEqual(await codes(ann, 'abac'), [undefined, undefined, undefined, 'limit'])
    assert.deepEqual(await codes(bob, 'ca'), [undefined, undefined])
    assert.deepEqual(await codes(bob, 'd'), ['limit'])
    ann.leave()
    const cid = await harness.enter()
    assert.deepEqual(await codes(cid, 'd'), [undefined])
  })

  it('refuses a name that is too long, and data that are nested too deeply for this engine', async () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    const canWrite = (): boolean => {
      try {
        return JSON.stringify(JSON.parse(deep)) === deep
      } catch {
        return false
      }
    }
    const harness = new HubHarness({ topics: { '*': { publish: true } }, maxTopicLength: 5 })
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'abcde' })
    socket.say({ t: 'sub', id: 2, topic: 'abcdef' })
    socket.say(`{"t":"pub","id":3,"topic":"a","data":${deep}}`)
    await settle()
    assert.deepEqual(
      socket.take().map((message) => message.code),
      [undefined, 'invalid', canWrite() ? undefined : 'invalid'],
    )
    assert.deepEqual(harness.reported, [])
  })
})

describe('a hub: its own side', () => {
  it('disconnects a user, and counts', async () => {
    const harness = new HubHarness({ ...rooms, authenticate: ({ token }) => ({ user: `${token}` }) })
    const [ann, tab, bob] = [await harness.enter('ann'), await harness.enter('ann'), await harness.enter('bob')]
    assert.equal(harness.hub.clients.size, 3)
    assert.equal(harness.hub.disconnect('ann', 'goodbye'), 2)
    for (const socket of [ann, tab]) {
      assert.deepEqual(socket.take(), [{ t: 'error', code: 'forbidden', message: 'goodbye' }])
      assert.equal(socket.closeCode(), 4403)
    }
    assert.equal(bob.closeCode(), undefined)
    assert.equal(harness.hub.metrics().clients, 1)
  })

  it('closes with as much of the reason as a Close takes', async () => {
    const harness = new HubHarness({ ...rooms, authenticate: ({ token }) => ({ user: `${token}` }) })
    const [ann] = [await harness.enter('ann')]
    harness.hub.disconnect('ann', 'é'.repeat(100))
    assert.equal(ann.closeReason(), `${'é'.repeat(60)}…`)
    const bob = await harness.enter('bob')
    harness.hub.disconnect('bob', 'this account is locked since Monday: write to the office')
    assert.equal(bob.closeReason(), 'this account is locked since Monday: write to the office')
  })

  it('refuses to tell the presence of a topic that has none', async () => {
    await assert.rejects(new HubHarness(rooms).hub.presence('room.1'), /its rule needs presence: true/)
  })

  it('refuses to publish where no rule is, or to a name that is no topic', async () => {
    const { hub } = new HubHarness(rooms)
    await assert.rejects(hub.publish('hall', 1), { code: 'unknown-topic' })
    await assert.rejects(hub.publish('room.*', 1), { code: 'topicInvalid' })
  })

  it('listens to topics and patterns itself, the volatile and binary messages too', async () => {
    const harness = new HubHarness({ topics: { 'room.secret': { subscribe: false }, 'room.*': { publish: true } } })
    const { hub } = harness
    const log: unknown[] = []
    const note = (name: string) => (message: object) => log.push([name, message])
    const endTopic = await hub.subscribe('room.1', note('topic'))
    const endPattern = await hub.subscribe('room.*', note('pattern'))
    const at = (await hub.publish('room.1', { a: 1 }))!
    await hub.publish('room.1', Uint8Array.of(1), { volatile: true, key: 'ä' })
    endTopic()
    await hub.publish('room.secret', 1)
    endPattern()
    await hub.publish('room.1', 2)
    const [first, second] = [
      { topic: 'room.1', data: { a: 1 }, from: undefined, key: undefined, position: at },
      { topic: 'room.1', data: Uint8Array.of(1), from: undefined, key: 'ä', position: undefined },
    ]
    assert.deepEqual(log.slice(0, 4), [
      ['topic', first],
      ['pattern', first],
      ['topic', second],
      ['pattern', second],
    ])
    assert.equal((log[4] as [string, { topic: string }])[1].topic, 'room.secret')
    assert.equal(log.length, 5)
    await assert.rejects(hub.subscribe('hall', note('x')), { code: 'unknown-topic' })
    await assert.rejects(hub.subscribe('a..b', note('x')), { code: 'topicInvalid' })
  })

  it('reports a listener that throws, and goes on', async () => {
    const harness = new HubHarness(rooms)
    await harness.hub.subscribe('room.1', () => {
      throw new Error('mine')
    })
    await harness.hub.publish('room.1', 1)
    assert.deepEqual(harness.reported.map(String), ['Error: mine'])
  })

  it('leaves all topics when it is closed', async () => {
    const harness = new HubHarness(rooms)
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'room.1' })
    await settle()
    harness.hub.close()
    socket.say({ t: 'sub', id: 2, topic: 'room.2' })
    await settle()
    assert.equal(socket.take()[1]!.code, 'unavailable')
    assert.equal(harness.clock.pendingTimers, 0)
  })
})

function bound(harness: HubHarness): { readonly connect: HubHarness['connect'] } {
  return { connect: (request) => harness.connect(request) }
}
