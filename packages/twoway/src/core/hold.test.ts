import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { webPayload } from '../runtimes/web/payload.js'
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
        if (length > 0) assert.deepEqual([...hold.take().subarray(0, length)], expected)
        assert.equal(hold.length, 0)
      }),
    )
  })
})
