import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import zlib from 'node:zlib'
import { concat, fromHex } from 'twoway-testing/bytes.js'
import { describeDeflateCodec } from 'twoway-testing/contracts/deflate-codec.contract.js'
import { canDriveDirectly } from '../internals/direct-zlib.js'
import { createNodeDeflateCodec } from './deflate-codec.js'

it('drives the streams of this runtime by their handles', () => {
  assert.ok(canDriveDirectly())
})

for (const isDirect of [true, false]) {
  describe(`nodeDeflateCodec by ${isDirect ? 'handles' : 'public calls'}, with takeover`, () => {
    const { inflaters } = createNodeDeflateCodec(isDirect)
    const inflate = (packed: Uint8Array): Promise<boolean> =>
      new Promise((resolve) => {
        const inflater = inflaters({ windowBits: 15, takeover: true }).take()
        const done = (error?: unknown): void => {
          inflater.release()
          resolve(error === undefined)
        }
        try {
          if (inflater.inflate(packed, 0, packed.length, true, () => {}, done) === 'done') done()
        } catch (error) {
          done(error)
        }
      })

    const canEnd = (packed: Uint8Array): boolean => {
      try {
        zlib.inflateRawSync(concat(packed, fromHex('0000ffff010000ffff')))
        return true
      } catch {
        return false
      }
    }

    /** The description of a block's own codes, at the beginning of the block. */
    const descriptionBytes = 50

    it('detects a message that breaks off within a block, except in the description of its codes', async () => {
      const text = JSON.stringify(Array.from({ length: 40 }, (_, index) => ({ index, name: `user ${index * 7919}` })))
      for (const [message, options] of [
        ['Hello', {}],
        [text.slice(0, 60), { strategy: zlib.constants.Z_FIXED }],
        [text, {}],
        [text, { level: 0 }],
        ['a'.repeat(200), {}],
        [text.repeat(60), { level: 0 }],
      ] as const) {
        const packed = zlib.deflateRawSync(message, { finishFlush: zlib.constants.Z_SYNC_FLUSH, ...options })
        const whole = packed.subarray(0, -4)
        assert.equal(await inflate(whole), true)
        const step = Math.ceil(whole.length / 700)
        const missed: number[] = []
        for (let end = whole.length - 1; end >= 0; end -= step) {
          const cut = whole.subarray(0, end)
          // A stored block that lacks just the four bytes of the tail is a block that ends with them.
          if ((await inflate(cut)) !== canEnd(cut)) missed.push(end)
        }
        assert.ok(
          missed.every((end) => end < descriptionBytes),
          `${missed} of ${whole.length} bytes`,
        )
      }
    })
  })
}

describeDeflateCodec('nodeDeflateCodec', createNodeDeflateCodec(true))
describeDeflateCodec('nodeDeflateCodec by handles', createNodeDeflateCodec(true, false))
describeDeflateCodec('nodeDeflateCodec by public calls', createNodeDeflateCodec(false, false))
