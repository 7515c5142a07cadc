import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { LinkHarness, onlineLink as online, settleLink } from 'twoway-testing/harnesses/link-harness.js'
import type { WirePosition } from '../subprotocol/messages.js'
import { LinkError } from './link-error.js'
import type { LinkOptions, PresenceView, Started, TopicMessage } from './link-types.js'

const file = new URL('../../../../docs/reference/protocol-vectors.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly server: readonly { readonly t: string }[]
  readonly refusedByClients: readonly string[]
}

const at = (offset: number, epoch = 'e'): WirePosition => [epoch, offset, offset === 0 ? '' : `m${offset}`]
const message = (offset: number, topic = 'room.1', epoch = 'e') => ({
  t: 'msg',
  topic,
  at: at(offset, epoch),
  prev: offset === 1 ? '' : `m${offset - 1}`,
  from: 'bob',
  data: offset,
})

/** A link that subscribes to a topic, and the data that its listener got. */
async function subscribed(
  options: LinkOptions = {},
): Promise<{ harness: LinkHarness; got: unknown[]; starts: Started[] }> {
  const harness = await online(options)
  const got: unknown[] = []
  const starts: Started[] = []
  harness.link.subscribe('room.1', ({ data }) => got.push(data), { started: (started) => starts.push(started) })
  await harness.socket.say({ t: 'ok', id: 1, at: at(0), count: 0 })
  harness.socket.take()
  return { harness, got, starts }
}

/** Loses the connection, and is welcomed on the next one. */
async function reconnect(harness: LinkHarness, welcome: object = {}): Promise<void> {
  await harness.socket.lose()
  await harness.retry()
  await harness.socket.welcome(welcome)
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: LinkError) => error.code,
  )

describe('a link: the connection', () => {
  it('offers the subprotocol, and introduces itself with a token that it asks for before each attempt', async () => {
    let tokens = 0
    const harness = new LinkHarness({ token: async () => `token ${++tokens}` })
    await settleLink()
    const { socket } = harness
    assert.deepEqual(
      [socket.url, socket.protocols, socket.binaryType],
      ['wss://example.com/', ['twoway.1'], 'arraybuffer'],
    )
    await socket.open()
    assert.deepEqual(socket.take(), [{ t: 'hello', token: 'token 1' }])
    assert.equal(harness.link.status.state, 'connecting')
    await socket.say({ t: 'welcome', id: 'c', user: 'ann', limits: {} })
    assert.deepEqual(harness.link.status, { state: 'online', why: '', nextAttemptAt: undefined, user: 'ann' })
    await socket.lose(1006)
    await harness.retry()
    await harness.socket.open()
    assert.deepEqual(harness.socket.take(), [{ t: 'hello', token: 'token 2' }])
  })

  it('waits a random time before each attempt, up to a bound that doubles', async () => {
    const harness = new LinkHarness({ maxWaitMs: 3000 })
    const waits: number[] = []
    for (const chance of [0.999, 0.999, 0, 0.999, 0.999]) {
      harness.chance = chance
      await harness.socket.lose()
      const { state, nextAttemptAt } = harness.link.status
      assert.equal(state, 'offline')
      waits.push(Math.round(nextAttemptAt! - harness.nowMs))
      const attempts = harness.sockets.length
      if (waits.at(-1)! > 0) {
        await harness.advance(waits.at(-1)! - 2)
        assert.equal(harness.sockets.length, attempts)
      }
      await harness.advance(2)
      assert.equal(harness.sockets.length, attempts + 1)
    }
    assert.deepEqual(waits, [999, 1998, 0, 2997, 2997])
    // A connection that lasts a second is no failed attempt; a shorter one is.
    for (const [lastedMs, waitMs] of [
      [1000, 999],
      [1000, 999],
      [999, 1998],
      [0, 2997],
      [1000, 999],
    ] as const) {
      await harness.socket.welcome()
      await harness.advance(lastedMs)
      await harness.socket.lose()
      const waited = Math.round(harness.link.status.nextAttemptAt! - harness.nowMs)
      assert.equal(waited, waitMs, `after ${lastedMs} ms`)
      await harness.advance(waited + 1)
    }
  })

  it('heeds a server that is busy or restarts, and its hint', async () => {
    const waitAfter = async (code: number, error?: object, said?: object): Promise<number> => {
      const harness = await online()
      harness.chance = 0
      if (said !== undefined) await harness.socket.say(said)
      await harness.socket.lose(code, '', error)
      return harness.link.status.nextAttemptAt! - harness.nowMs
    }
    assert.equal(await waitAfter(1006), 0)
    assert.equal(await waitAfter(1013), 1000)
    assert.equal(await waitAfter(1006, { message: 'x', headers: new Headers({ 'Retry-After': '7' }) }), 7000)
    assert.equal(await waitAfter(1013, undefined, { t: 'error', code: 'limit', message: 'x', retry: 5000 }), 5000)
  })

  it('gives up an attempt that takes too long, and ignores what its socket still does', async () => {
    const harness = new LinkHarness({ connectTimeoutMs: 1000 })
    const { socket: old } = harness
    await harness.advance(1000)
    assert.equal(harness.link.status.state, 'offline')
    assert.equal(old.closeCalls, 1)
    await old.welcome()
    await old.lose(4400)
    assert.equal(harness.link.status.state, 'offline')
    await harness.advance(1000)
    await harness.socket.welcome()
    await old.say({ t: 'ok', id: 1 })
    await old.lose()
    assert.equal(harness.link.status.state, 'online')
  })

  it('stops where another attempt would end the same way, and says why', async () => {
    const ends = [
      [4400, {}, 'malformed'],
      [4403, {}, 'forbidden'],
      [4401, {}, 'no token'],
      // No publish or request waits that could be too long: the hello is, or a message for us.
      [1009, {}, 'too long'],
    ] as const
    for (const [code, options, reason] of ends) {
      const harness = await online(options)
      const waiting = code === 1009 ? 'lost' : codeOf(harness.link.request('a'))
      await harness.socket.lose(code, reason)
      assert.deepEqual([harness.link.status.state, harness.link.status.why], ['closed', reason])
      assert.equal(await waiting, 'lost')
      assert.equal(await codeOf(harness.link.publish('a', 1)), 'closed')
      assert.throws(() => harness.link.subscribe('a'), { code: 'closed' })
      assert.equal(harness.timers, 0)
    }
    const plain = new LinkHarness()
    plain.socket.protocol = ''
    await plain.socket.open()
    assert.match(plain.link.status.why, /does not speak twoway\.1/)
    // Most WebSockets end such a connection themselves.
    const failed = new LinkHarness()
    await failed.socket.lose(1006, '', { code: 'protocolNotChosen', message: 'the server chose none' })
    assert.deepEqual(
      [failed.link.status.state, failed.link.status.why],
      ['offline', 'no hub answers at this URL: the server does not speak twoway.1'],
    )
  })

  it('ends a connection whose server sends a malformed message, and connects again', async () => {
    for (const text of [...vectors.refusedByClients, Uint8Array.of(1)]) {
      const { harness, got } = await subscribed()
      const { socket } = harness
      await socket.say(message(1))
      await socket.sayRaw(text)
      const { state, why } = harness.link.status
      assert.equal(state, 'offline', String(text))
      assert.match(why, /^a malformed message/)
      if (typeof text === 'string') assert.ok(why.includes(text.slice(0, 99)), why)
      assert.deepEqual(socket.closeCodes, [4400])
      await harness.retry()
      await harness.socket.welcome()
      assert.deepEqual(harness.socket.take()[1], { t: 'sub', id: 2, topic: 'room.1', at: at(1), run: true })
      assert.deepEqual(got, [1])
    }
  })

  it('ends a connection whose server sends a text where the bytes of a message belong', async () => {
    const { harness, got } = await subscribed()
    const { data: _, ...header } = message(1)
    await harness.socket.say({ ...header, bin: true }, message(2))
    assert.equal(harness.link.status.state, 'offline')
    assert.deepEqual(got, [])
  })

  it('quotes only the beginning of a long malformed message', async () => {
    const harness = await online()
    await harness.socket.sayRaw('x'.repeat(1 << 20))
    assert.ok(harness.link.status.why.length < 200)
  })

  it('goes on with a new token after 4401', async () => {
    const harness = await online({ token: () => 'x' })
    await harness.socket.lose(4401, 'expired')
    assert.equal(harness.link.status.state, 'offline')
  })

  it('tries again when the token can not be had', async () => {
    const harness = new LinkHarness({ token: () => Promise.reject(new Error('no network')) })
    await harness.socket.open()
    assert.equal(harness.link.status.state, 'offline')
    assert.match(harness.link.status.why, /no network/)
  })

  it('asks a silent server whether it is there, and leaves it if it is not', async () => {
    const harness = await online({ heartbeatMs: 20_000 })
    await harness.advance(15_000)
    await harness.socket.say({ t: 'pong' })
    await harness.advance(19_999)
    assert.deepEqual(harness.socket.take(), [])
    await harness.advance(1)
    assert.deepEqual(harness.socket.take(), [{ t: 'ping' }])
    await harness.socket.say({ t: 'pong' })
    await harness.advance(20_000)
    assert.deepEqual(harness.socket.take(), [{ t: 'ping' }])
    const { socket } = harness
    await harness.advance(8000)
    assert.equal(harness.link.status.state, 'offline')
    assert.equal(socket.closeCalls, 1)
  })

  it('tries at once, or asks the server, when the page or the machine wakes', async () => {
    const harness = await online()
    harness.woke()
    assert.deepEqual(harness.socket.take(), [{ t: 'ping' }])
    await harness.socket.lose()
    const attempts = harness.sockets.length
    harness.woke()
    assert.equal(harness.sockets.length, attempts + 1)
    harness.woke()
    assert.equal(harness.sockets.length, attempts + 1)
    await harness.socket.lose()
    harness.link.reconnect()
    assert.equal(harness.sockets.length, attempts + 2)
  })

  it('renews the token before it expires', async () => {
    let tokens = 0
    const harness = await online({ token: () => ++tokens }, { expires: 10_000 })
    await harness.advance(7999)
    assert.deepEqual(harness.socket.take(), [])
    await harness.advance(1)
    assert.deepEqual(harness.socket.take(), [{ t: 'auth', id: 1, token: 2 }])
    await harness.socket.say({ t: 'ok', id: 1, expires: 10_000 })
    await harness.advance(8000)
    assert.deepEqual(harness.socket.take(), [{ t: 'auth', id: 2, token: 3 }])
  })

  it('leaves nothing behind after close', async () => {
    const { harness } = await subscribed()
    const asked = [codeOf(harness.link.publish('a', 1)), codeOf(harness.link.request('b'))]
    const { socket } = harness
    harness.link.close()
    harness.link.close()
    assert.deepEqual(await Promise.all(asked), ['closed', 'lost'])
    assert.equal(socket.closeCalls, 1)
    assert.equal(harness.timers, 0)
    assert.deepEqual(harness.states, ['online', 'closed'])
  })
})

describe('a link: topics', () => {
  it('gives the listener each message once and in order', async () => {
    const { harness, got, starts } = await subscribed()
    await harness.socket.say(message(1), message(2), message(1), message(2), message(3))
    assert.deepEqual(got, [1, 2, 3])
    assert.deepEqual(starts, [{ recovered: true, reason: undefined, position: { epoch: 'e', offset: 0, mark: '' } }])
  })

  it('resumes after the last message, on each new connection', async () => {
    const { harness, got, starts } = await subscribed()
    await harness.socket.say(message(1), message(2))
    await reconnect(harness)
    const [, sub] = harness.socket.take()
    assert.deepEqual(sub, { t: 'sub', id: 2, topic: 'room.1', at: at(2), run: true })
    await harness.socket.say(
      { t: 'ok', id: 2, at: at(4), count: 2, recovered: true },
      message(3),
      message(4),
      message(5),
    )
    assert.deepEqual(got, [1, 2, 3, 4, 5])
    assert.deepEqual(
      starts.map(({ recovered }) => recovered),
      [true, true],
    )
  })

  it('asks for its topics right behind the hello, and not before', async () => {
    const { harness, got } = await subscribed()
    await harness.socket.say(message(1))
    await harness.socket.lose()
    await harness.retry()
    harness.link.subscribe('room.2')
    assert.deepEqual(harness.socket.take(), [])
    await harness.socket.open()
    harness.link.subscribe('room.3')
    assert.deepEqual(harness.socket.take(), [
      { t: 'hello' },
      { t: 'sub', id: 2, topic: 'room.1', at: at(1), run: true },
      { t: 'sub', id: 3, topic: 'room.2', run: true },
      { t: 'sub', id: 4, topic: 'room.3', run: true },
    ])
    assert.equal(harness.link.status.state, 'connecting')
    await harness.socket.say({ t: 'welcome', id: 'c', limits: {} }, { t: 'ok', id: 2, at: at(2), count: 1 }, message(2))
    assert.deepEqual(harness.socket.take(), [])
    assert.deepEqual(got, [1, 2])
  })

  it('resumes even if a status listener throws', async () => {
    const { harness } = await subscribed()
    await harness.socket.say(message(1))
    harness.link.onStatus(({ state }) => {
      if (state === 'online') throw new Error('a fault of the page')
    })
    await assert.rejects(reconnect(harness), /a fault of the page/)
    assert.deepEqual(harness.socket.take()[1], { t: 'sub', id: 2, topic: 'room.1', at: at(1), run: true })
  })

  it('says so if the server could not resume, and goes on from there', async () => {
    const { harness, got, starts } = await subscribed()
    await harness.socket.say(message(1))
    await reconnect(harness)
    await harness.socket.say({ t: 'ok', id: 2, at: at(7, 'f'), count: 0, recovered: false, reason: 'unknown-epoch' })
    assert.deepEqual(starts[1], {
      recovered: false,
      reason: 'unknown-epoch',
      position: { epoch: 'f', offset: 7, mark: 'm7' },
    })
    await harness.socket.say(message(8, 'room.1', 'f'))
    assert.deepEqual(got, [1, 8])
  })

  it('asks again with its position when a message is missing, and ignores the topic until the answer', async () => {
    for (const wrong of [message(4), message(2, 'room.1', 'f'), { ...message(3), prev: 'another' }]) {
      const { harness, got } = await subscribed()
      await harness.socket.say(message(1), message(2), wrong, message(5))
      assert.deepEqual(harness.socket.take(), [{ t: 'sub', id: 2, topic: 'room.1', at: at(2), run: true }])
      assert.deepEqual(got, [1, 2])
      await harness.socket.say({ t: 'ok', id: 2, at: at(4), count: 2, recovered: true }, message(3), message(4))
      assert.deepEqual(got, [1, 2, 3, 4])
    }
  })

  it('gives the listener each message of a run once, in order and with its position, as if it had come alone', async () => {
    const { harness } = await subscribed()
    const got: TopicMessage[] = []
    harness.link.subscribe('room.*', (received) => got.push(received))
    await harness.socket.say({ t: 'ok', id: 2 })
    const items = [
      ['m2', { a: 1 }, 'bob'],
      ['m3', null, 'ann'],
      ['m4', 'x'],
    ]
    await harness.socket.say(message(1), message(2), { t: 'run', topic: 'room.1', at: at(1), items }, message(5))
    assert.deepEqual(
      got.map(({ data, from, position }) => [position!.offset, position!.mark, data, from]),
      [
        [1, 'm1', 1, 'bob'],
        [2, 'm2', 2, 'bob'],
        [3, 'm3', null, 'ann'],
        [4, 'm4', 'x', undefined],
        [5, 'm5', 5, 'bob'],
      ],
    )
  })

  it('asks again when a run does not follow the last message, and ignores the rest of it', async () => {
    for (const position of [at(3), at(2, 'f'), ['e', 2, 'another'] as const]) {
      const { harness, got } = await subscribed()
      const run = {
        t: 'run',
        topic: 'room.1',
        at: position,
        items: [
          ['m3', 3],
          ['m4', 4],
        ],
      }
      await harness.socket.say(message(1), message(2), run, message(5))
      assert.deepEqual(harness.socket.take(), [{ t: 'sub', id: 2, topic: 'room.1', at: at(2), run: true }])
      assert.deepEqual(got, [1, 2])
    }
  })

  it('ends within a run when the listener leaves, and goes on when it throws', async () => {
    const harness = await online()
    const got: unknown[] = []
    const left = harness.link.subscribe('a', ({ data }) => {
      got.push(data)
      if (data === 2) left.unsubscribe()
    })
    harness.link.subscribe('b', ({ data }) => {
      got.push(data)
      if (data === 1) throw new Error('of the listener')
    })
    await harness.socket.say({ t: 'ok', id: 1, at: at(0), count: 3 }, { t: 'ok', id: 2, at: at(0), count: 2 })
    const rejections: unknown[] = []
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    process.once('unhandledRejection', (error: Error) => rejections.push(error.message))
    const run = (topic: string) => ({
      t: 'run',
      topic,
      at: at(0),
      items: [
        ['m1', 1],
        ['m2', 2],
        ['m3', 3],
      ],
    })
    await harness.socket.say(run('a'), run('b'))
    await new Promise(setImmediate)
    for (const other of others) process.on('unhandledRejection', other)
    assert.deepEqual(got, [1, 2, 1, 2, 3])
    assert.deepEqual(rejections, ['of the listener'])
    assert.equal(harness.link.status.state, 'online')
  })

  it('takes over the position of a gap', async () => {
    const { harness, got, starts } = await subscribed()
    await harness.socket.say(message(1), { t: 'gap', topic: 'room.1', reason: 'expired', at: at(5) }, message(6))
    assert.deepEqual(got, [1, 6])
    assert.deepEqual([starts[1]!.recovered, starts[1]!.reason], [false, 'expired'])
  })

  it('gets older messages at the first start, and goes on from a given position', async () => {
    const harness = await online()
    const got: unknown[] = []
    harness.link.subscribe('a', ({ data }) => got.push(data), { last: 2, slow: 'latest' })
    harness.link.subscribe('b', undefined, { position: { epoch: 'e', offset: 3, mark: 'm3' } })
    assert.deepEqual(harness.socket.take(), [
      { t: 'sub', id: 1, topic: 'a', last: 2, slow: 'latest', run: true },
      { t: 'sub', id: 2, topic: 'b', at: at(3), run: true },
    ])
    await harness.socket.say(
      { t: 'ok', id: 1, at: at(9), count: 2 },
      message(8, 'a'),
      message(9, 'a'),
      message(10, 'a'),
    )
    assert.deepEqual(got, [8, 9, 10])
  })

  it('delivers bytes, and volatile messages without a position', async () => {
    const { harness } = await subscribed()
    const got: TopicMessage[] = []
    harness.link.subscribe('cursor.*', (each) => got.push(each))
    await harness.socket.say({ t: 'ok', id: 2 })
    const header = { t: 'vol', topic: 'cursor.1', key: 'k', bin: true }
    await harness.socket.say(header, Uint8Array.of(1, 2), { t: 'vol', topic: 'cursor.2', from: 'ann', data: null })
    assert.deepEqual(got, [
      { topic: 'cursor.1', key: 'k', from: undefined, position: undefined, data: Uint8Array.of(1, 2) },
      { topic: 'cursor.2', key: undefined, from: 'ann', position: undefined, data: null },
    ])
  })

  it('tells of a gap before a message of a pattern that follows none', async () => {
    const harness = await online()
    const got: unknown[] = []
    harness.link.subscribe('room.*', ({ topic, data }) => got.push(`${topic} ${data}`), {
      started: ({ recovered, reason, position }) => got.push(recovered || `${reason} ${position?.offset}`),
    })
    await harness.socket.say({ t: 'ok', id: 1 }, message(5), message(1, 'room.2'), message(8), message(9))
    assert.deepEqual(got, [true, 'room.1 5', 'room.2 1', 'expired 7', 'room.1 8', 'room.1 9'])
    await harness.socket.say(message(1, 'room.2', 'new epoch'))
    assert.deepEqual(got.slice(6), ['expired 0', 'room.2 1'])
    assert.deepEqual(harness.socket.take().length, 1)
  })

  it('calls a pattern whole at the first start alone', async () => {
    const harness = await online()
    const starts: Started[] = []
    const got: unknown[] = []
    harness.link.subscribe('room.*', ({ topic, data }) => got.push(`${topic} ${data}`), {
      started: (started) => starts.push(started),
    })
    await harness.socket.say({ t: 'ok', id: 1 }, message(5), message(1, 'room.2'), message(6), message(6))
    assert.deepEqual(got, ['room.1 5', 'room.2 1', 'room.1 6'])
    await reconnect(harness)
    assert.deepEqual(harness.socket.take()[1], { t: 'sub', id: 2, topic: 'room.*', run: true })
    await harness.socket.say({ t: 'ok', id: 2 })
    assert.deepEqual(
      starts.map(({ recovered, reason }) => [recovered, reason]),
      [
        [true, undefined],
        [false, 'pattern'],
      ],
    )
  })

  it('ends a subscription that is refused, and tries one again that may be taken later', async () => {
    const harness = await online()
    const refused: unknown[] = []
    const options = { refused: (error: Error) => refused.push((error as LinkError).code) }
    harness.link.subscribe('a', undefined, options)
    harness.link.subscribe('b', undefined, options)
    await harness.socket.say(
      { t: 'error', id: 1, code: 'forbidden', message: 'no' },
      { t: 'error', id: 2, code: 'unavailable', message: 'later', retry: 1000 },
    )
    harness.socket.take()
    assert.deepEqual(refused, ['forbidden'])
    await harness.advance(1000)
    assert.deepEqual(harness.socket.take(), [{ t: 'sub', id: 3, topic: 'b', run: true }])
    assert.doesNotThrow(() => harness.link.subscribe('a'))
    assert.throws(() => harness.link.subscribe('b'), /"b" is subscribed already/)
  })

  it('ends with unsubscribe', async () => {
    const harness = await online()
    const got: unknown[] = []
    const subscription = harness.link.subscribe('room.1', ({ data }) => got.push(data))
    await harness.socket.say({ t: 'ok', id: 1, at: at(0), count: 0 }, message(1))
    assert.deepEqual(subscription.position, { epoch: 'e', offset: 1, mark: 'm1' })
    subscription.unsubscribe()
    subscription.unsubscribe()
    await harness.socket.say(message(2))
    assert.deepEqual(harness.socket.take().slice(1), [{ t: 'unsub', id: 2, topic: 'room.1' }])
    assert.deepEqual(got, [1])
    await reconnect(harness)
    assert.deepEqual(
      harness.socket.take().map((each) => (each as { t: string }).t),
      ['hello'],
    )
  })

  it('can be read by a loop, which ends with unsubscribe, close, or an error', async () => {
    const harness = await online()
    const subscription = harness.link.subscribe('room.1')
    const read = async (): Promise<unknown[]> => {
      const got: unknown[] = []
      for await (const { data } of subscription) {
        got.push(data)
        if (data === 3) break
      }
      return got
    }
    const reading = read()
    await harness.socket.say({ t: 'ok', id: 1, at: at(0), count: 0 }, message(1), message(2), message(3), message(4))
    assert.deepEqual(await reading, [1, 2, 3])
    const other = harness.link.subscribe('b')
    const waiting = other[Symbol.asyncIterator]().next()
    other.unsubscribe()
    assert.deepEqual(await waiting, { done: true, value: undefined })
    const refused = harness.link.subscribe('c')[Symbol.asyncIterator]().next()
    harness.link.close()
    await assert.rejects(refused, { code: 'closed' })
  })

  it('answers each call of next, in order, and drops a subscription whose loop is too slow', async () => {
    const { harness } = await subscribed()
    const iterator = harness.link.subscribe('vol')[Symbol.asyncIterator]()
    await harness.socket.say({ t: 'ok', id: 2, at: at(0), count: 0 })
    const both = Promise.all([iterator.next(), iterator.next()])
    const volatile = (data: number): object => ({ t: 'vol', topic: 'vol', data })
    await harness.socket.say(volatile(1), volatile(2))
    assert.deepEqual(
      (await both).map(({ value }) => value?.data),
      [1, 2],
    )
    await harness.socket.say(...Array.from({ length: 10_001 }, (_, index) => volatile(index)))
    for (let taken = 0; taken < 10_000; taken += 1) assert.equal((await iterator.next()).done, false)
    await assert.rejects(iterator.next(), { code: 'full' })
    assert.deepEqual(await iterator.next(), { done: true, value: undefined })
  })

  it('drops a subscription whose loop leaves 16 MiB unread, though few messages have them', async () => {
    const { harness } = await subscribed()
    const iterator = harness.link.subscribe('vol')[Symbol.asyncIterator]()
    await harness.socket.say({ t: 'ok', id: 2, at: at(0), count: 0 })
    const big = { t: 'vol', topic: 'vol', data: 'x'.repeat(4 << 20) }
    await harness.socket.say(big, big, big)
    // A value that is taken makes room.
    assert.equal((await iterator.next()).done, false)
    await harness.socket.say({ t: 'vol', topic: 'vol', bin: true }, new Uint8Array(8 << 20), big)
    for (let taken = 0; taken < 3; taken += 1) assert.equal((await iterator.next()).done, false)
    await assert.rejects(iterator.next(), { code: 'full' })
    assert.deepEqual((harness.socket.take().at(-1) as { t: string }).t, 'unsub')
  })

  it('shows the members of a topic', async () => {
    const harness = await online()
    const views: PresenceView[] = []
    harness.link.subscribe('room.1', undefined, { presence: (view) => views.push(view) })
    assert.deepEqual(harness.socket.take(), [{ t: 'sub', id: 1, topic: 'room.1', who: true, run: true }])
    await harness.socket.say(
      { t: 'ok', id: 1, at: at(0), count: 0 },
      { t: 'here', topic: 'room.1', members: [{ user: 'ann' }], version: 1, stale: false },
      { t: 'join', topic: 'room.1', user: 'bob', info: { name: 'Bob' }, version: 2 },
      { t: 'leave', topic: 'room.1', user: 'ann', version: 3 },
      { t: 'here', topic: 'room.1', members: [{ user: 'cid' }], version: 4, stale: true },
    )
    assert.deepEqual(views, [
      { members: [{ user: 'ann' }], stale: false },
      { members: [{ user: 'ann' }, { user: 'bob', info: { name: 'Bob' } }], stale: false },
      { members: [{ user: 'bob', info: { name: 'Bob' } }], stale: false },
      { members: [{ user: 'cid' }], stale: true },
    ])
  })

  it('keeps the position of a topic that is left right after a message', async () => {
    const items = new Map<string, string>()
    const storage = {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => items.set(key, value),
    }
    const harness = await online({ storage })
    const subscription = harness.link.subscribe('room.1', () => undefined)
    await harness.socket.say({ t: 'ok', id: 1, at: at(0), count: 0 }, message(1), message(2))
    subscription.unsubscribe()
    harness.socket.take()
    harness.link.subscribe('room.1', () => undefined)
    assert.deepEqual(harness.socket.take()[0], { t: 'sub', id: 3, topic: 'room.1', at: at(2), run: true })
  })

  it('stays closed if a listener closes it while it connects, and connects again after a listener threw', async () => {
    const harness = await online()
    const end = harness.link.onStatus(({ state }) => {
      if (state === 'connecting') throw new Error('of a listener')
    })
    await harness.socket.lose()
    await assert.rejects(harness.retry(), /of a listener/)
    end()
    await harness.socket.welcome()
    assert.equal(harness.link.status.state, 'online')
    harness.link.onStatus(({ state }) => {
      if (state === 'connecting') harness.link.close()
    })
    await harness.socket.lose()
    await harness.retry()
    const { socket } = harness
    assert.equal(socket.closeCalls, 1)
    await socket.welcome()
    assert.equal(harness.link.status.state, 'closed')
  })

  it('keeps positions over a reload, if it is given a storage', async () => {
    const items = new Map<string, string>()
    const storage = {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => items.set(key, value),
    }
    const { harness } = await subscribed({ storage })
    await harness.socket.say(message(1), message(2))
    harness.leaves()
    const reloaded = await online({ storage })
    reloaded.link.subscribe('room.1')
    assert.deepEqual(reloaded.socket.take(), [{ t: 'sub', id: 1, topic: 'room.1', at: at(2), run: true }])
    // Other code of the page, or an older version of it, may have written there.
    for (const text of ['not JSON', 'null', '5', '{"room.1":5}', '{"room.1":["e","2","m2"]}']) {
      items.set([...items.keys()][0]!, text)
      const broken = await online({ storage })
      broken.link.subscribe('room.1')
      assert.deepEqual(broken.socket.take(), [{ t: 'sub', id: 1, topic: 'room.1', run: true }])
      await broken.socket.say({ t: 'ok', id: 1, at: at(0), count: 0 }, message(1))
      broken.leaves()
      assert.deepEqual(JSON.parse([...items.values()][0]!)['room.1'], at(1))
    }
  })
})

describe('a link: publishing', () => {
  it('resolves to the position', async () => {
    const harness = await online()
    const publishing = harness.link.publish('a', { x: 1 }, { key: 'mine' })
    assert.deepEqual(harness.socket.take(), [{ t: 'pub', topic: 'a', key: 'mine', data: { x: 1 }, id: 1 }])
    await harness.socket.say({ t: 'ok', id: 1, at: at(3) })
    assert.deepEqual(await publishing, { epoch: 'e', offset: 3, mark: 'm3' })
    const bytes = harness.link.publish('a', Uint8Array.of(1))
    const [header, body] = harness.socket.take()
    assert.equal((header as { bin?: boolean }).bin, true)
    assert.deepEqual(body, Uint8Array.of(1))
    await harness.socket.say({ t: 'ok', id: 2 })
    assert.equal(await bytes, undefined)
  })

  it('waits for a connection, and is repeated with the same key after a loss', async () => {
    const harness = new LinkHarness()
    const publishing = harness.link.publish('a', 1)
    await harness.socket.welcome()
    const [, first] = harness.socket.take()
    await reconnect(harness)
    const [, second] = harness.socket.take()
    assert.deepEqual(second, first)
    await harness.socket.say({ t: 'ok', id: 1, at: at(1) })
    assert.equal((await publishing)!.offset, 1)
    await reconnect(harness)
    assert.equal(harness.socket.take().length, 1)
  })

  it('gives each publish a key of its own', async () => {
    const harness = await online()
    for (let index = 0; index < 3; index += 1) harness.link.publish('a', 1).catch(() => undefined)
    const keys = harness.socket.take().map((each) => (each as unknown as { key: string }).key)
    assert.equal(new Set(keys).size, 3)
    harness.link.close()
  })

  it('fails by its deadline, and says whether it may have taken effect, and where the link stands', async () => {
    const harness = new LinkHarness({ timeoutMs: 1000 })
    const publishing = harness.link.publish('a', 1)
    const shorter = harness.link.publish('a', 1, { timeoutMs: 10 })
    const both = Promise.allSettled([publishing, shorter])
    await harness.advance(10)
    await assert.rejects(shorter, { code: 'timeout', mayHaveHappened: false, message: /within 10 ms, connecting: / })
    await harness.socket.welcome()
    await harness.advance(990)
    await assert.rejects(publishing, { code: 'timeout', mayHaveHappened: true })
    await both
  })

  it('fails if the server closes with 1009, and is not sent again: the longest one that has no answer', async () => {
    const harness = await online()
    const short = harness.link.publish('a', 'short')
    const long = harness.link.publish('a', 'x'.repeat(1000))
    const request = codeOf(harness.link.request('a', 'x'.repeat(100)))
    harness.socket.take()
    const refused = assert.rejects(long, { code: 'limit', message: 'too long', mayHaveHappened: true })
    await harness.socket.lose(1009, 'too long')
    await refused
    assert.equal(await request, 'lost')
    assert.equal(harness.link.status.state, 'offline')
    await harness.retry()
    await harness.socket.welcome()
    const [, ...again] = harness.socket.take()
    assert.deepEqual(
      again.map((each) => (each as unknown as { data: unknown }).data),
      ['short'],
    )
    await harness.socket.say({ t: 'ok', id: 1, at: at(1) })
    assert.equal((await short)!.offset, 1)
  })

  it('fails if the server closes with 1009: a request that is the longest with the same code', async () => {
    const harness = await online()
    const publish = harness.link.publish('a', 'short')
    const long = codeOf(harness.link.request('a', 'x'.repeat(1000)))
    const short = codeOf(harness.link.request('a', 'x'))
    await harness.socket.lose(1009, 'too long')
    assert.deepEqual([await long, await short], ['limit', 'lost'])
    await harness.retry()
    await harness.socket.welcome()
    await harness.socket.say({ t: 'ok', id: 1, at: at(1) })
    assert.equal((await publish)!.offset, 1)
  })

  it('is sent at once or not at all: volatile', async () => {
    const harness = new LinkHarness()
    await harness.link.publish('a', 1, { volatile: true })
    await harness.socket.welcome()
    harness.socket.take()
    await harness.link.publish('a', 2, { volatile: true, key: 'k' })
    assert.deepEqual(harness.socket.take(), [{ t: 'vol', topic: 'a', key: 'k', data: 2 }])
  })

  it('is refused beyond the limits of what waits', async () => {
    const harness = new LinkHarness({ maxWaiting: 2, maxWaitingBytes: 200 })
    const waiting = [codeOf(harness.link.publish('a', 1)), codeOf(harness.link.publish('a', 1))]
    assert.equal(await codeOf(harness.link.publish('a', 1)), 'full')
    harness.link.close()
    assert.deepEqual(await Promise.all(waiting), ['closed', 'closed'])
    const other = new LinkHarness({ maxWaitingBytes: 200 })
    assert.equal(await codeOf(other.link.publish('a', new Uint8Array(201))), 'full')
    const fits = codeOf(other.link.publish('a', new Uint8Array(200)))
    assert.equal(await codeOf(other.link.publish('a', 1)), 'full')
    other.link.close()
    assert.equal(await fits, 'closed')
  })
})

describe('a link: requests', () => {
  it('resolve to the answer, or reject with the error of the server', async () => {
    const harness = await online({ timeoutMs: 7000 })
    const [sum, bytes, refused] = [
      harness.link.request('add', [1, 2]),
      harness.link.request('bytes', Uint8Array.of(1)),
      harness.link.request('no'),
    ]
    assert.deepEqual(harness.socket.take()[0], { t: 'req', method: 'add', within: 7000, data: [1, 2], id: 1 })
    await harness.socket.say({ t: 'ok', id: 2, bin: true }, Uint8Array.of(9), { t: 'ok', id: 1, data: 3 })
    const error = { t: 'error', id: 3, code: 'invalid', message: 'too long', path: ['a', 0], retry: 5 }
    await Promise.all([harness.socket.say(error), assert.rejects(refused, LinkError)])
    assert.equal(await sum, 3)
    assert.deepEqual(await bytes, Uint8Array.of(9))
    await assert.rejects(refused, {
      code: 'invalid',
      message: 'too long',
      path: ['a', 0],
      retryAfterMs: 5,
      mayHaveHappened: false,
    })
  })

  it('tell the server their deadline in whole milliseconds, whatever the caller gives', async () => {
    const harness = await online()
    const within = [1.5, Number.POSITIVE_INFINITY, -1, Number.NaN].map((timeoutMs) => {
      harness.link.request('a', null, { timeoutMs }).catch(() => undefined)
      return (harness.socket.take()[0] as unknown as { within: number }).within
    })
    assert.deepEqual(within, [1, 2_000_000_000, 4_294_967_295, 0])
    harness.link.close()
  })

  it('are lost with their connection, and are not repeated', async () => {
    const harness = await online()
    const request = harness.link.request('a')
    await Promise.all([assert.rejects(request, { code: 'lost', mayHaveHappened: true }), harness.socket.lose()])
    const waiting = harness.link.request('b')
    await harness.retry()
    await harness.socket.welcome()
    assert.deepEqual(
      harness.socket.take().map((each) => (each as { t: string; method?: string }).method),
      [undefined, 'b'],
    )
    const closed = assert.rejects(waiting)
    harness.link.close()
    await closed
  })

  it('are cancelled by a signal', async () => {
    const harness = await online()
    const controller = new AbortController()
    const request = harness.link.request('a', null, { signal: controller.signal })
    harness.socket.take()
    controller.abort(new Error('enough'))
    await assert.rejects(request, /enough/)
    assert.deepEqual(harness.socket.take(), [{ t: 'cancel', id: 1 }])
    await harness.socket.say({ t: 'error', id: 1, code: 'cancelled', message: 'x' })
    await assert.rejects(harness.link.request('a', null, { signal: controller.signal }), /enough/)
    assert.deepEqual(harness.socket.take(), [])
  })

  it('give an answer in parts to a loop, and leaving it cancels the request', async () => {
    const harness = await online()
    const read = async (most: number): Promise<unknown[]> => {
      const got: unknown[] = []
      for await (const part of harness.link.stream('count', 9)) if (got.push(part) === most) break
      return got
    }
    const all = read(9)
    await settleLink()
    await harness.socket.say({ t: 'part', id: 1, data: 1 }, { t: 'part', id: 1, data: 2 }, { t: 'ok', id: 1 })
    assert.deepEqual(await all, [1, 2])
    harness.socket.take()
    const one = read(1)
    await settleLink()
    harness.socket.take()
    await harness.socket.say({ t: 'part', id: 2, data: 1 }, { t: 'part', id: 2, data: 2 })
    assert.deepEqual(await one, [1])
    assert.deepEqual(harness.socket.take(), [{ t: 'cancel', id: 2 }])
    const lost = read(9)
    await settleLink()
    await Promise.all([assert.rejects(lost, { code: 'lost' }), harness.socket.lose()])
  })

  it('end a loop that takes the parts of an answer too slowly, and cancel the request', async () => {
    const harness = await online()
    const parts = harness.link.stream('count')
    const first = parts.next()
    await settleLink()
    harness.socket.take()
    await harness.socket.say({ t: 'part', id: 1, data: 0 })
    assert.deepEqual(await first, { done: false, value: 0 })
    await harness.socket.say(...Array.from({ length: 10_001 }, () => ({ t: 'part', id: 1, data: 1 })))
    assert.deepEqual(harness.socket.take(), [{ t: 'cancel', id: 1 }])
    let taken = 0
    const read = async (): Promise<void> => {
      for await (const value of parts) taken += Number(value)
    }
    await assert.rejects(read, { code: 'full' })
    assert.equal(taken, 10_000)
  })

  it('give the reason of an aborted signal to a loop over parts', async () => {
    const harness = await online()
    const controller = new AbortController()
    const next = harness.link.stream('count', null, { signal: controller.signal }).next()
    await settleLink()
    const refused = assert.rejects(next, /enough/)
    controller.abort(new Error('enough'))
    await refused
    assert.deepEqual(harness.socket.take().at(-1), { t: 'cancel', id: 1 })
  })

  it('read history and presence', async () => {
    const harness = await online()
    const history = harness.link.history('a', { last: 2 })
    assert.deepEqual(harness.socket.take(), [{ t: 'hist', topic: 'a', last: 2, id: 1 }])
    await harness.socket.say({ ...message(4, 'a'), t: 'part', id: 1 }, { t: 'ok', id: 1, at: at(4) })
    const [first] = await history
    assert.deepEqual(first, {
      topic: 'a',
      data: 4,
      from: 'bob',
      key: undefined,
      position: { epoch: 'e', offset: 4, mark: 'm4' },
    })
    const since = harness.link.history('a', { position: { epoch: 'e', offset: 1, mark: 'm1' } })
    const refused = assert.rejects(since, { code: 'expired' })
    await harness.socket.say({ t: 'ok', id: 2, at: at(4), recovered: false, reason: 'expired' })
    await refused
    const presence = harness.link.presence('a')
    await harness.socket.say({ t: 'ok', id: 3, members: [{ user: 'ann' }], version: 1, stale: false })
    assert.deepEqual(await presence, [{ user: 'ann' }])
  })

  it('take each message of the specification', async () => {
    const harness = await online()
    for (const said of vectors.server) {
      await harness.socket.say(said)
      if ('bin' in said) await harness.socket.say(Uint8Array.of(1))
      assert.equal(harness.link.status.state, 'online', said.t)
    }
  })

  it('ignore messages of types that the link does not know', async () => {
    const harness = await online()
    await harness.socket.say({ t: 'a type to come', x: 1 }, { t: 'ok', id: 99 }, { t: 'part', id: 99, data: 1 })
    assert.equal(harness.link.status.state, 'online')
  })
})
