import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LinkHarness, onlineLink as online } from 'twoway-testing/harnesses/link-harness.js'
import { readClientMessage } from '../hub/session/client-messages.js'

const bad = (value: unknown) => value as never
const ignore = (): void => undefined

describe('a link: a wrong argument', () => {
  it('of publish rejects that call alone, and nothing is sent', async () => {
    const harness = await online()
    const { link } = harness
    const refused: readonly (readonly [topic: unknown, data: unknown, message: string])[] = [
      [undefined, 1, 'topic must be a string, not undefined'],
      [null, 1, 'topic must be a string, not null'],
      [5, 1, 'topic must be a string, not 5'],
      ['a', undefined, 'data must be a JSON value, not undefined'],
      ['a', () => 1, 'data must be a JSON value, not () => 1'],
    ]
    for (const [topic, data, message] of refused) {
      for (const volatile of [false, true]) {
        await assert.rejects(link.publish(bad(topic), bad(data), { volatile }), { name: 'TypeError', message })
      }
    }
    for (const data of [Symbol('a'), 1n]) await assert.rejects(link.publish('a', bad(data)), TypeError)
    assert.deepEqual(harness.socket.take(), [])
    assert.equal(link.status.state, 'online')
  })

  it('of subscribe is thrown at once, and the topic can be subscribed to', async () => {
    const harness = await online()
    const { link } = harness
    const refused: readonly (readonly [topic: unknown, listener: unknown, last: unknown, message: string])[] = [
      [5, undefined, 0, 'topic must be a string, not 5'],
      ['a', 'x', 0, 'listener must be a function, not x'],
      ['a', { last: 5 }, 0, 'listener must be a function, not [object Object]'],
      ['a', undefined, 'all', 'last must be a whole number, not all'],
      ['a', undefined, -1, 'last must be a whole number, not -1'],
      ['a', undefined, 0.5, 'last must be a whole number, not 0.5'],
    ]
    for (const [topic, listener, last, message] of refused) {
      const subscribe = () => link.subscribe(bad(topic), bad(listener), { last: bad(last) })
      assert.throws(subscribe, { name: 'TypeError', message })
    }
    link.subscribe('a', bad(null), { presence: bad(null), last: 0 })
    assert.deepEqual(harness.socket.take(), [{ t: 'sub', id: 1, topic: 'a', last: 0, run: true }])
  })

  it('of the constructor is thrown at once', () => {
    const message = 'token must be a function, not ann'
    assert.throws(() => new LinkHarness({ token: bad('ann') }), { name: 'TypeError', message })
  })

  it('never makes the server end the connection', async () => {
    let tokens = 0
    const token = () => (tokens++ === 0 ? 'first' : bad(undefined))
    const harness = await online({ token }, { expires: 1000 })
    const { link, socket } = harness
    const values = [undefined, null, 0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 'x', true, {}, [], () => 1]
    for (const value of values) {
      void link.request('m', 1, bad({ timeoutMs: value })).catch(ignore)
      void link.request(bad(value), bad(value)).catch(ignore)
      for (const volatile of [true, false]) {
        void link.publish(bad(value), 1, { volatile }).catch(ignore)
        void link.publish('a', bad(value), { volatile }).catch(ignore)
        void link.publish('a', 1, { volatile, key: bad(value) }).catch(ignore)
        void link.publish('a', new Uint8Array(1), { volatile, key: bad(value) }).catch(ignore)
      }
      void link.presence(bad(value)).catch(ignore)
      void link.history(bad(value)).catch(ignore)
      for (const name of ['last', 'position']) void link.history('a', { [name]: value }).catch(ignore)
      for (const name of ['last', 'position', 'slow', 'presence', 'started', 'refused']) {
        try {
          link.subscribe(`${name}.${typeof value}`, undefined, { [name]: value }).unsubscribe()
        } catch (error) {
          assert.ok(error instanceof TypeError)
        }
      }
    }
    await harness.advance(900)
    const sent = socket.take().filter((message) => 't' in message)
    for (const t of ['auth', 'pub', 'vol', 'req', 'hist', 'who', 'sub', 'unsub']) {
      assert.ok(sent.some((message) => message.t === t))
    }
    for (const message of sent) {
      const read = readClientMessage(JSON.stringify(message))
      assert.notEqual(typeof read, 'string', `${JSON.stringify(message)}: ${read}`)
    }
  })
})

describe('a link: a message that is too long to wait', () => {
  it('is refused with its length and the limit', async () => {
    const { link } = await online({ maxWaitingBytes: 1000 })
    void link.publish('a', 'b').catch(ignore)
    const text = ': 1 wait, maxWaitingBytes is 1000'
    const refused = (data: unknown, bytes: number) =>
      assert.rejects(link.publish('a', bad(data)), { code: 'full', message: `no room for ${bytes} bytes${text}` })
    await refused(new Uint8Array(2000), 2000)
    await refused(new Float64Array(200), 1600)
    await refused(new DataView(new ArrayBuffer(2000)), 2000)
  })
})
