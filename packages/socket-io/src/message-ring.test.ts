import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TopicPosition } from 'twoway/hub'
import { MessageRing, type Positioned } from './message-ring.js'

const markOf = (offset: number): string => (offset === 0 ? '' : `mark ${offset}`)
const positionAt = (offset: number, epoch = 'e'): TopicPosition => ({ epoch, offset, mark: markOf(offset) })
const messageAt = (offset: number, bytes = 1): Positioned => ({
  position: positionAt(offset),
  previousMark: markOf(offset - 1),
  bytes,
})
const offsetsAfter = (ring: MessageRing<Positioned>, offset: number, mark = markOf(offset)): number[] | undefined =>
  ring.since(offset, mark)?.map(({ position }) => position.offset)

function ringUpTo(offset: number, { count = 5, bytes = 1000 } = {}): MessageRing<Positioned> {
  const ring = new MessageRing<Positioned>({ count, bytes })
  ring.reset(positionAt(0))
  for (let next = 1; next <= offset; next += 1) assert.equal(ring.add(messageAt(next)), 'next')
  return ring
}

describe('the newest messages of a topic', () => {
  it('takes only the message that follows its head, by epoch, offset and mark', () => {
    const ring = ringUpTo(3)
    assert.equal(ring.add(messageAt(3)), 'seen')
    assert.equal(ring.add(messageAt(1)), 'seen')
    assert.equal(ring.add(messageAt(5)), 'gap')
    assert.equal(ring.add({ ...messageAt(4), previousMark: 'another' }), 'gap')
    assert.equal(ring.add({ ...messageAt(4), position: positionAt(4, 'another') }), 'gap')
    assert.deepEqual(ring.head, positionAt(3))
    assert.equal(ring.add(messageAt(4)), 'next')
    assert.deepEqual(ring.head, positionAt(4))
  })

  it('gives all messages after a position that it can prove', () => {
    const ring = ringUpTo(8)
    assert.deepEqual(offsetsAfter(ring, 8), [])
    assert.deepEqual(offsetsAfter(ring, 5), [6, 7, 8])
    // Its own message is gone, but the successor names its mark.
    assert.deepEqual(offsetsAfter(ring, 3), [4, 5, 6, 7, 8])
    assert.equal(offsetsAfter(ring, 2), undefined)
  })

  it('gives none after another mark, or a position beyond its head', () => {
    const ring = ringUpTo(8)
    assert.equal(offsetsAfter(ring, 6, 'another'), undefined)
    assert.equal(offsetsAfter(ring, 8, 'another'), undefined)
    assert.equal(offsetsAfter(ring, 9), undefined)
  })

  it('starts after a head whose messages it does not have', () => {
    const ring = ringUpTo(3)
    ring.reset(positionAt(40, 'another'))
    assert.deepEqual(offsetsAfter(ring, 40), [])
    assert.equal(offsetsAfter(ring, 39), undefined)
    assert.equal(ring.add({ ...messageAt(41), position: positionAt(41, 'another') }), 'next')
    assert.deepEqual(offsetsAfter(ring, 40), [41])
  })

  it('keeps no more than its count and bytes', () => {
    const few = ringUpTo(1000, { count: 3 })
    assert.deepEqual(offsetsAfter(few, 997), [998, 999, 1000])
    assert.equal(offsetsAfter(few, 996), undefined)
    const short = ringUpTo(1000, { count: 100, bytes: 2 })
    assert.deepEqual(offsetsAfter(short, 998), [999, 1000])
    assert.equal(offsetsAfter(short, 997), undefined)
    const none = ringUpTo(10, { count: 0 })
    assert.deepEqual(offsetsAfter(none, 10), [])
    assert.equal(offsetsAfter(none, 9), undefined)
  })
})
