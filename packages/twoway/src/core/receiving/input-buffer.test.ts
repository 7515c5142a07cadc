import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { webPayload } from '../../runtimes/web/payload.js'
import { InputBuffer } from './input-buffer.js'

describe('InputBuffer', () => {
  it('keeps copies in the order of appending and prepending', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 50 })))
    fc.assert(
      fc.property(steps, (pieces) => {
        const buffer = new InputBuffer(webPayload)
        let expected: number[] = []
        for (const [prepend, piece] of pieces) {
          const padded = Uint8Array.of(255, ...piece, 255)
          if (prepend) buffer.prepend(padded, 1, padded.length - 1)
          else buffer.append(padded, 1, padded.length - 1)
          padded.fill(0)
          expected = prepend ? [...piece, ...expected] : [...expected, ...piece]
        }
        const { length } = buffer
        assert.equal(length, expected.length)
        if (length > 0) {
          const { start, end } = buffer
          assert.deepEqual([...buffer.take().subarray(start, end)], expected)
        }
        assert.equal(buffer.length, 0)
      }),
    )
  })

  it('takes the rest back without a copy, and appends later bytes behind it', () => {
    const buffer = new InputBuffer(webPayload)
    buffer.append(Uint8Array.of(1, 2, 3, 4), 0, 4)
    const taken = buffer.take()
    buffer.prepend(taken, 2, 4)
    assert.deepEqual([buffer.start, buffer.end, buffer.length], [2, 4, 2])
    buffer.append(Uint8Array.of(5, 6), 0, 2)
    buffer.prepend(Uint8Array.of(0), 0, 1)
    const { start, end } = buffer
    assert.deepEqual([...buffer.take().subarray(start, end)], [0, 3, 4, 5, 6])
    buffer.clear()
    buffer.prepend(taken, 2, 4)
    assert.notEqual(buffer.take(), taken)
  })
})
