import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import { ReadGate, StopReason } from './read-gate.js'
import { ReceiveRate } from './receive-rate.js'

function setUp(rate?: ReceiveRate) {
  const transport = new RecordingTransport()
  const clock = new FakeClock()
  return { gate: new ReadGate(transport, clock, rate), transport, clock }
}

const reasons = Object.keys(StopReason) as (keyof typeof StopReason)[]

describe('ReadGate', () => {
  it('pauses the transport with the first reason and resumes it with the last', () => {
    const { gate, transport } = setUp()
    for (const reason of reasons) gate.stop(StopReason[reason])
    assert.deepEqual(transport.calls, ['pause'])
    const last = reasons.map((reason) => {
      assert.equal(gate.isOpen, false)
      return gate.resume(StopReason[reason])
    })
    assert.deepEqual(last, [false, false, false, false, false, false, true])
    assert.deepEqual(transport.calls, ['pause', 'resume'])
    assert.equal(gate.isOpen, true)
  })

  it('counts a reason once, and removes only reasons that apply', () => {
    const { gate, transport } = setUp()
    assert.equal(gate.resume(StopReason.paused), false)
    gate.stop(StopReason.paused)
    gate.stop(StopReason.paused)
    assert.equal(gate.resume(StopReason.backlog), false)
    assert.equal(gate.resume(StopReason.paused), true)
    assert.equal(gate.resume(StopReason.paused), false)
    assert.deepEqual(transport.calls, ['pause', 'resume'])
  })

  it('removes all reasons at once', () => {
    const { gate, transport } = setUp()
    assert.equal(gate.resumeAll(), false)
    gate.stop(StopReason.paused)
    gate.stop(StopReason.reader)
    assert.equal(gate.resumeAll(), true)
    assert.equal(gate.resumeAll(), false)
    assert.deepEqual(transport.calls, ['pause', 'resume'])
  })

  for (const reason of reasons) {
    const isOurs = ['paused', 'handler', 'reader', 'turn'].includes(reason)
    it(`knows that '${reason}' is ${isOurs ? 'a reason' : 'no reason'} that the peer can't influence`, () => {
      const { gate } = setUp()
      gate.stop(StopReason[reason])
      assert.equal(gate.isClosedByUs, isOurs)
      assert.equal(gate.isPaused, reason === 'paused')
      for (const each of reasons) assert.equal(gate.hasStopped(StopReason[each]), each === reason)
    })
  }

  it('pauses the rate while nothing is read', () => {
    const rate = ReceiveRate.of({ maxMessagesPerSecond: Number.POSITIVE_INFINITY, maxBytesPerSecond: 100 }, 0)!
    const { gate, clock } = setUp(rate)
    assert.equal(rate.takeBytes(100, 0), true)
    gate.stop(StopReason.paused)
    clock.advance(5000)
    gate.resume(StopReason.paused)
    assert.equal(rate.takeBytes(500, clock.now()), true)
    assert.equal(rate.takeBytes(1, clock.now()), false)
  })
})
