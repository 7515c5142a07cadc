import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import { ReadGate, Stop } from './read-gate.js'
import { ReceiveRate } from './receive-rate.js'

function setUp(rate?: ReceiveRate) {
  const transport = new RecordingTransport()
  const clock = new FakeClock()
  return { gate: new ReadGate(transport, clock, rate), transport, clock }
}

const reasons = Object.keys(Stop) as (keyof typeof Stop)[]

describe('ReadGate', () => {
  it('pauses the transport with the first reason and resumes it with the last', () => {
    const { gate, transport } = setUp()
    for (const reason of reasons) gate.stop(Stop[reason])
    assert.deepEqual(transport.calls, ['pause'])
    const last = reasons.map((reason) => {
      assert.equal(gate.isOpen, false)
      return gate.go(Stop[reason])
    })
    assert.deepEqual(last, [false, false, false, false, false, true])
    assert.deepEqual(transport.calls, ['pause', 'resume'])
    assert.equal(gate.isOpen, true)
  })

  it('counts a reason once, and takes back only what holds', () => {
    const { gate, transport } = setUp()
    assert.equal(gate.go(Stop.paused), false)
    gate.stop(Stop.paused)
    gate.stop(Stop.paused)
    assert.equal(gate.go(Stop.backlog), false)
    assert.equal(gate.go(Stop.paused), true)
    assert.equal(gate.go(Stop.paused), false)
    assert.deepEqual(transport.calls, ['pause', 'resume'])
  })

  it('takes all reasons back at once', () => {
    const { gate, transport } = setUp()
    assert.equal(gate.goAnyway(), false)
    gate.stop(Stop.paused)
    gate.stop(Stop.reader)
    assert.equal(gate.goAnyway(), true)
    assert.equal(gate.goAnyway(), false)
    assert.deepEqual(transport.calls, ['pause', 'resume'])
  })

  for (const reason of reasons) {
    const isOurs = ['paused', 'handler', 'reader'].includes(reason)
    it(`knows that '${reason}' is ${isOurs ? 'a reason' : 'no reason'} for which the peer can do nothing`, () => {
      const { gate } = setUp()
      gate.stop(Stop[reason])
      assert.equal(gate.isClosedByUs, isOurs)
      assert.equal(gate.isPaused, reason === 'paused')
    })
  }

  it('tells the rate of the time in which nothing is read', () => {
    const rate = ReceiveRate.of({ maxMessagesPerSecond: Number.POSITIVE_INFINITY, maxBytesPerSecond: 100 }, 0)!
    const { gate, clock } = setUp(rate)
    assert.equal(rate.takeBytes(100, 0), true)
    gate.stop(Stop.paused)
    clock.advance(5000)
    gate.go(Stop.paused)
    assert.equal(rate.takeBytes(500, clock.now()), true)
    assert.equal(rate.takeBytes(1, clock.now()), false)
  })
})
