import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { UnsentMessages } from './unsent-messages.js'

function setUp() {
  const framed = { appendedBytes: 0, waitingBytes: 0 }
  const clock = new FakeClock()
  const unsent = new UnsentMessages(framed, clock)
  return {
    framed,
    clock,
    unsent,
    /** Frames a message: the bytes beyond its encoded payload are its header, or other frames before it. */
    add(before: number, payloadLength: number, encodedLength = payloadLength): void {
      framed.appendedBytes += before + encodedLength
      framed.waitingBytes += before + encodedLength
      unsent.add(payloadLength, encodedLength !== payloadLength)
    },
    take(bytes: number): void {
      framed.waitingBytes = Math.max(0, framed.waitingBytes - bytes)
    },
  }
}

describe('UnsentMessages', () => {
  it('counts unsent payloads, and the unsent part of the current frame', () => {
    const { unsent, framed, add } = setUp()
    add(6, 10)
    add(6, 20)
    for (const [taken, left] of [
      [0, 30],
      [6, 30],
      [7, 29],
      [16, 20],
      [22, 20],
      [41, 1],
      [42, 0],
    ] as const) {
      framed.waitingBytes = framed.appendedBytes - taken
      assert.equal(unsent.bytes, left, `at ${taken}`)
    }
  })

  it('counts an encoded message by its original length, until all of it is sent', () => {
    for (const encodedLength of [86, 65_100]) {
      const { unsent, add, take } = setUp()
      add(8, 65_000, encodedLength)
      add(6, 10)
      assert.equal(unsent.bytes, 65_010)
      take(8 + encodedLength - 1)
      assert.equal(unsent.bytes, 65_010)
      take(1)
      assert.equal(unsent.bytes, 10)
    }
  })

  it('does not fall while frozen, until the end of the task', () => {
    const { unsent, clock, add, take } = setUp()
    unsent.freeze()
    add(6, 10)
    take(16)
    unsent.freeze()
    add(6, 20)
    assert.equal(unsent.bytes, 30)
    clock.runTasks()
    assert.equal(unsent.bytes, 20)
    unsent.freeze()
    take(26)
    assert.equal(unsent.bytes, 20)
    unsent.unfreeze()
    assert.equal(unsent.bytes, 0)
  })

  it('keeps counting dropped messages', () => {
    const { unsent, add, take } = setUp()
    add(6, 10)
    unsent.drop(5)
    take(16)
    assert.equal(unsent.bytes, 5)
  })

  it('agrees with the sum over all frames, however they are added and taken', () => {
    const step = fc.record({
      before: fc.nat(34),
      payload: fc.nat(200),
      encoded: fc.option(fc.nat(200)),
      take: fc.nat(300),
    })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const { framed, unsent, add, take } = setUp()
        const frameWriter: { end: number; payload: number; isChanged: boolean }[] = []
        for (const { before, payload, encoded, take: bytes } of steps) {
          add(before, payload, encoded ?? payload)
          frameWriter.push({ end: framed.appendedBytes, payload, isChanged: (encoded ?? payload) !== payload })
          take(bytes)
          const taken = framed.appendedBytes - framed.waitingBytes
          const expected = frameWriter.reduce((sum, { end, payload, isChanged }) => {
            if (end <= taken) return sum
            return sum + (isChanged ? payload : Math.min(payload, end - taken))
          }, 0)
          assert.equal(unsent.bytes, expected)
        }
      }),
    )
  })
})
