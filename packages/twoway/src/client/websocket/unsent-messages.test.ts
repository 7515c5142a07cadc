import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { UnsentMessages } from './unsent-messages.js'

describe('UnsentMessages', () => {
  it('counts payloads that have not gone, of the frame that is on its way the part that has not', () => {
    const unsent = new UnsentMessages()
    unsent.add(16, 10)
    unsent.add(42, 20)
    for (const [handedOver, left] of [
      [0, 30],
      [6, 30],
      [7, 29],
      [16, 20],
      [22, 20],
      [41, 1],
      [42, 0],
      [99, 0],
    ] as const) {
      assert.equal(unsent.payloadBeyond(handedOver), left, `at ${handedOver}`)
    }
  })

  it('agrees with the sum over all frames, however they are added and handed over', () => {
    const step = fc.record({ header: fc.nat(14), payload: fc.nat(200), other: fc.nat(20), handOver: fc.nat(300) })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const unsent = new UnsentMessages()
        const frames: { end: number; payload: number }[] = []
        let appended = 0
        let handedOver = 0
        for (const { header, payload, other, handOver } of steps) {
          appended += other + header + payload
          unsent.add(appended, payload)
          frames.push({ end: appended, payload })
          handedOver = Math.min(appended, handedOver + handOver)
          const expected = frames.reduce((sum, frame) => {
            return sum + Math.max(0, Math.min(frame.payload, frame.end - handedOver))
          }, 0)
          assert.equal(unsent.payloadBeyond(handedOver), expected)
        }
      }),
    )
  })
})
