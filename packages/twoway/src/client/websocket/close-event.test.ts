import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CloseEvent, defineCloseEvent } from './close-event.js'

describe('CloseEvent', () => {
  it('is the platform’s own if there is one', () => {
    const own = (globalThis as { CloseEvent?: unknown }).CloseEvent
    if (own !== undefined) assert.equal(CloseEvent, own)
  })

  it('has the shape that WebIDL gives it, §6', () => {
    const Ours = defineCloseEvent()
    assert.deepEqual([Ours.name, Ours.length, String(new Ours('x'))], ['CloseEvent', 1, '[object CloseEvent]'])
    for (const name of ['wasClean', 'code', 'reason']) {
      const { get, set, enumerable, configurable } = Object.getOwnPropertyDescriptor(Ours.prototype, name)!
      assert.deepEqual([typeof get, set, enumerable, configurable], ['function', undefined, true, true])
      assert.throws(() => get!.call({}), TypeError)
    }
  })

  it('converts its arguments: code modulo 65536, reason to a USVString', () => {
    const Ours = defineCloseEvent()
    const given = { code: 66_536, reason: 'a\ud800', wasClean: 1 as unknown as boolean, cancelable: true }
    const { type, code, reason, wasClean, cancelable } = new Ours('close', given)
    assert.deepEqual([type, code, reason, wasClean, cancelable], ['close', 1000, 'a\ufffd', true, true])
    for (const none of [undefined, null, {}] as (object | undefined)[]) {
      const event = new Ours('close', none)
      assert.deepEqual([event.code, event.reason, event.wasClean], [0, '', false])
    }
    const make = Ours as unknown as new (...parameters: unknown[]) => Event
    assert.throws(() => new make(), TypeError)
    assert.throws(() => new make('x', { reason: Symbol('no') }), TypeError)
    assert.throws(() => new make('x', { code: 1n }), TypeError)
    assert.throws(() => new make('x', 5), TypeError)
  })
})
