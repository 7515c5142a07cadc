import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { StandIn } from './stand-in.js'

type Emit = (name: string | symbol, ...args: unknown[]) => boolean

function standingIn(emitter: EventEmitter): StandIn<Emit> {
  return new StandIn<Emit>(emitter, 'emit', (emit) => (name, ...args) => {
    return name === 'ours' ? true : emit.call(emitter, name, ...args)
  })
}

describe("a stand-in for a server's emit", () => {
  test('passes on each event that is not its own, with its arguments, its answer, and what listeners throw', () => {
    const emitter = new EventEmitter()
    standingIn(emitter).begin()
    const heard: unknown[] = []
    emitter.on('theirs', (...args) => heard.push(...args))
    emitter.on('throws', () => {
      throw new Error('a listener failed')
    })
    assert.equal(emitter.emit('theirs', 1, 'two'), true)
    assert.deepEqual(heard, [1, 'two'])
    assert.equal(emitter.emit('unheard'), false)
    assert.equal(emitter.emit('ours'), true)
    assert.throws(() => emitter.emit('throws'), /a listener failed/)
    assert.throws(() => emitter.emit('error', new Error('nobody listens')), /nobody listens/)
  })

  test('leaves no trace at its end, and lets all pass where another stands in its place', () => {
    const emitter = new EventEmitter()
    const standIn = standingIn(emitter)
    standIn.begin()
    standIn.end()
    assert.equal(Object.hasOwn(emitter, 'emit'), false)
    standIn.begin()
    const ours = emitter.emit
    const others: Emit = (name, ...args) => ours.call(emitter, name, ...args)
    emitter.emit = others
    standIn.end()
    assert.equal(emitter.emit, others)
    assert.equal(emitter.emit('ours'), true)
  })
})
