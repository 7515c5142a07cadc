import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame } from 'twoway-testing/bytes.js'
import { ConnectionHarness } from 'twoway-testing/harnesses/connection-harness.js'
import { Opcode } from '../opcode.js'
import type { ReceiveRates } from './receive-rate.js'

const { continuation, text, ping, pong } = Opcode

const message = frame({ opcode: text, payload: 'hi', masked: true })

function harnessWith(rates: Partial<ReceiveRates>): ConnectionHarness {
  return new ConnectionHarness({ rates })
}

function receive(harness: ConnectionHarness, count: number, bytes = message): void {
  harness.receive(concat(...Array.from({ length: count }, () => bytes)))
}

const failures = (harness: ConnectionHarness): readonly string[] =>
  harness.log.filter((line) => line.startsWith('error '))

describe('maxMessagesPerSecond', () => {
  it("accepts a second's worth of messages at once, one below and at the limit, and fails with 1008 one above", () => {
    for (const [count, failed] of [
      [99, []],
      [100, []],
      [101, ['error tooManyMessages']],
    ] as const) {
      const harness = harnessWith({ maxMessagesPerSecond: 100 })
      receive(harness, count)
      assert.deepEqual(failures(harness), failed)
      assert.equal(harness.log.filter((line) => line === 'text hi').length, Math.min(count, 100))
    }
  })

  it('names the limit in the Close', () => {
    const harness = harnessWith({ maxMessagesPerSecond: 2 })
    receive(harness, 3)
    const close = Buffer.from(harness.transport.written)
    assert.equal(close.readUInt16BE(2), 1008)
    assert.match(
      close.subarray(4).toString(),
      /^messages arrived faster than this endpoint accepts: 2 a second at most/,
    )
  })

  it("accepts further messages as time passes, and saves up at most a second's worth", () => {
    const harness = harnessWith({ maxMessagesPerSecond: 100 })
    receive(harness, 100)
    harness.clock.advance(50)
    receive(harness, 5)
    harness.clock.advance(9)
    assert.deepEqual(failures(harness), [])
    receive(harness, 1)
    assert.deepEqual(failures(harness), ['error tooManyMessages'])

    const rested = harnessWith({ maxMessagesPerSecond: 100 })
    rested.clock.advance(100_000)
    receive(rested, 100)
    assert.deepEqual(failures(rested), [])
    receive(rested, 1)
    assert.deepEqual(failures(rested), ['error tooManyMessages'])
  })

  it('counts Pings, Pongs and short fragments, but not long fragments', () => {
    const cases: readonly [what: string, bytes: Uint8Array, taken: number][] = [
      ['pings', frame({ opcode: ping, masked: true }), 10],
      ['pongs', frame({ opcode: pong, masked: true }), 10],
      ['empty fragments', frame({ opcode: continuation, fin: false, masked: true }), 9],
      ['fragments of 1023', frame({ opcode: continuation, fin: false, payload: 'x'.repeat(1023), masked: true }), 9],
      [
        'fragments of 1024',
        frame({ opcode: continuation, fin: false, payload: 'x'.repeat(1024), masked: true }),
        Number.POSITIVE_INFINITY,
      ],
    ]
    for (const [what, bytes, taken] of cases) {
      const harness = harnessWith({ maxMessagesPerSecond: 10 })
      if (what.includes('fragments')) harness.receive(frame({ opcode: text, fin: false, masked: true }))
      for (let count = 0; count < Math.min(taken, 100); count++) harness.receive(bytes)
      assert.deepEqual(failures(harness), [], what)
      harness.receive(bytes)
      assert.deepEqual(failures(harness), taken === Number.POSITIVE_INFINITY ? [] : ['error tooManyMessages'], what)
    }
  })
})

describe('maxBytesPerSecond', () => {
  it("accepts a second's worth of bytes at once, one below and at the limit, and fails with 1008 one above", () => {
    for (const [length, failed] of [
      [999, []],
      [1000, []],
      [1001, ['error tooManyBytes']],
    ] as const) {
      const harness = harnessWith({ maxBytesPerSecond: 1000 })
      // 4 bytes of header and 4 of masking key.
      harness.receive(frame({ opcode: text, payload: 'x'.repeat(length - 8), masked: true }))
      assert.deepEqual(failures(harness), failed)
    }
  })

  it('names the limit in the Close', () => {
    const harness = harnessWith({ maxBytesPerSecond: 10 })
    receive(harness, 2)
    const close = Buffer.from(harness.transport.written)
    assert.equal(close.readUInt16BE(2), 1008)
    assert.match(close.subarray(4).toString(), /^bytes arrived faster than this endpoint accepts: 10 a second at most/)
  })

  it('counts all received bytes, also those of control frames', () => {
    const harness = harnessWith({ maxBytesPerSecond: 1000 })
    const long = frame({ opcode: text, payload: 'x'.repeat(5000), masked: true })
    for (let at = 0; at < long.length; at += 500) {
      harness.receive(long.subarray(at, at + 500))
      harness.clock.advance(500)
    }
    assert.equal(harness.log.length, 1)
    assert.deepEqual(failures(harness), [])
  })

  it('accepts at once what a pause held back, but nothing for idle time before it', () => {
    const harness = harnessWith({ maxBytesPerSecond: 1000 })
    harness.clock.advance(100_000)
    harness.connection.pause()
    harness.clock.advance(3000)
    harness.connection.resume()
    harness.clock.endTurn()
    harness.receive(frame({ opcode: text, payload: 'x'.repeat(3992), masked: true }))
    assert.deepEqual(failures(harness), [])
    harness.receive(message.subarray(0, 1))
    assert.deepEqual(failures(harness), ['error tooManyBytes'])
  })
})

describe('a connection without rates', () => {
  it('accepts any number of messages and bytes', () => {
    const harness = new ConnectionHarness()
    for (let count = 0; count < 20; count++) {
      receive(harness, 1000)
      harness.clock.runTasks()
    }
    assert.equal(harness.log.length, 20_000)
  })
})
