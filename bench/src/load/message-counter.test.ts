import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HeaderCounter, LengthCounter, type MessageCounter } from './message-counter.js'
import { messageOf } from './wire.js'

function countIn(counter: MessageCounter, bytes: Buffer, readBytes: number): number {
  let done = 0
  for (let at = 0; at < bytes.length; at += readBytes) {
    const piece = bytes.subarray(at, at + readBytes)
    done += counter.count(piece, piece.length)
  }
  return done
}

describe('the counting of messages', () => {
  const lengths = [0, 1, 125, 126, 65_535, 65_536, 3]
  const bytes = Buffer.concat(lengths.map((length) => messageOf('binary', Buffer.alloc(length))))

  for (const readBytes of [1, 2, 3, 1000, bytes.length]) {
    it(`by headers is independent of the boundaries of reads: reads of ${readBytes}`, () => {
      assert.equal(countIn(new HeaderCounter(), bytes, readBytes), lengths.length)
    })
  }

  it('by headers counts a fragmented message once', () => {
    assert.equal(countIn(new HeaderCounter(), messageOf('binary', Buffer.alloc(9), { fragments: 3 }), 4), 1)
  })

  it('by length counts complete messages', () => {
    const message = messageOf('binary', Buffer.alloc(20))
    const counter = new LengthCounter(message.length)
    assert.equal(countIn(counter, Buffer.concat([message, message, message.subarray(0, 5)]), 7), 2)
    assert.equal(countIn(counter, message.subarray(5), 7), 1)
  })
})
