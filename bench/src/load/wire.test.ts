import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { messageOf, payloadOf } from './wire.js'

describe('messages of the load generator', () => {
  for (const content of ['binary', 'ascii', 'unicode'] as const) {
    it(`have a ${content} payload of exactly the requested bytes, in whole characters`, () => {
      for (const length of [0, 1, 20, 1024, 65_536]) {
        const payload = payloadOf(content, length)
        assert.equal(payload.length, length)
        assert.ok(!payload.toString().includes('\ufffd'))
      }
      assert.equal(/[^\0-\x7f]/.test(payloadOf(content, 20).toString()), content === 'unicode')
    })
  }

  it('have headers in their shortest form, §5.2', () => {
    const headerOf = (length: number): string =>
      messageOf('binary', Buffer.alloc(length)).subarray(0, -length).toString('hex')
    assert.equal(messageOf('ascii', Buffer.alloc(0)).toString('hex'), '8100')
    assert.deepEqual([125, 126, 65_535, 65_536].map(headerOf), ['827d', '827e007e', '827effff', '827f0000000000010000'])
  })

  it('are masked on request, §5.3', () => {
    const message = messageOf('ascii', Buffer.from('abc'), { masked: true })
    assert.equal(message.subarray(0, 2).toString('hex'), '8183')
    const key = message.subarray(2, 6)
    assert.equal(Buffer.from(message.subarray(6).map((byte, index) => byte ^ key[index]!)).toString(), 'abc')
  })

  it('have the requested number of frames, §5.4', () => {
    const message = messageOf('ascii', Buffer.from('abcdef'), { fragments: 3 })
    assert.equal(message.toString('hex'), '01026162' + '00026364' + '80026566')
  })
})
