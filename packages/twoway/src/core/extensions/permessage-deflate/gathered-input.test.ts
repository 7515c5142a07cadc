import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { webPayload } from '../../../runtimes/web/payload.js'
import { ScratchPool } from '../../sending/scratch-pool.js'
import { GatheredInput } from './gathered-input.js'

describe('GatheredInput', () => {
  it('joins what was appended, in any cuts', () => {
    const lengths = fc.array(fc.oneof(fc.nat(2000), fc.integer({ min: 60_000, max: 140_000 })), { maxLength: 12 })
    const property = fc.property(lengths, (cuts) => {
      const gathered = new GatheredInput(new ScratchPool(webPayload))
      const all = Uint8Array.from({ length: cuts.reduce((sum, length) => sum + length, 0) }, (_, at) => at * 7)
      let at = 0
      for (const length of cuts) {
        gathered.append(all, at, at + length)
        at += length
      }
      assert.equal(gathered.length, all.length)
      if (all.length > 0) assert.deepEqual(Buffer.from(gathered.join().subarray(0, all.length)), Buffer.from(all))
    })
    fc.assert(property, { numRuns: 50 })
  })

  it('takes at most 64 KiB more memory than was appended, or twice as much', () => {
    const gathered = new GatheredInput(new ScratchPool(webPayload))
    const bytes = new Uint8Array(10_000)
    for (let count = 0; count < 100; count++) {
      gathered.append(bytes, 0, count === 0 ? 1 : bytes.length)
      const most = Math.max(1 << 10, Math.min(2 * gathered.length, gathered.length + (64 << 10)))
      assert.ok(gathered.capacity >= gathered.length && gathered.capacity <= most, `${gathered.capacity}`)
    }
  })

  it('gives its memory back to the pool', () => {
    const pool = new ScratchPool(webPayload)
    const gathered = new GatheredInput(pool)
    gathered.append(new Uint8Array(64 << 10), 0, 64 << 10)
    const piece = gathered.join()
    gathered.release()
    assert.equal(gathered.length, 0)
    assert.equal(gathered.capacity, 0)
    assert.equal(pool.takeBuffer(64 << 10, 64 << 10), piece)
  })
})
