import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { webPayload } from '../../runtimes/web/payload.js'
import { Hold } from './hold.js'

describe('Hold', () => {
  it('keeps copies in the order of appending and prepending', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 50 })))
    fc.assert(
      fc.property(steps, (pieces) => {
        const hold = new Hold(webPayload)
        let expected: number[] = []
        for (const [prepend, piece] of pieces) {
          const padded = Uint8Array.of(255, ...piece, 255)
          if (prepend) hold.prepend(padded, 1, padded.length - 1)
          else hold.append(padded, 1, padded.length - 1)
          padded.fill(0)
          expected = prepend ? [...piece, ...expected] : [...expected, ...piece]
        }
        const { length } = hold
        assert.equal(length, expected.length)
        if (length > 0) {
          const { start, end } = hold
          assert.deepEqual([...hold.take().subarray(start, end)], expected)
        }
        assert.equal(hold.length, 0)
      }),
    )
  })

  it('takes back the rest of what was taken without a copy, and what comes then behind it', () => {
    const hold = new Hold(webPayload)
    hold.append(Uint8Array.of(1, 2, 3, 4), 0, 4)
    const taken = hold.take()
    hold.prepend(taken, 2, 4)
    assert.deepEqual([hold.start, hold.end, hold.length], [2, 4, 2])
    hold.append(Uint8Array.of(5, 6), 0, 2)
    hold.prepend(Uint8Array.of(0), 0, 1)
    const { start, end } = hold
    assert.deepEqual([...hold.take().subarray(start, end)], [0, 3, 4, 5, 6])
    hold.clear()
    hold.prepend(taken, 2, 4)
    assert.notEqual(hold.take(), taken)
  })
})
