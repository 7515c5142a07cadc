import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { TopicPosition } from '../ports/broker/topic-position.js'
import { NodeRing, type Positioned } from './node-ring.js'

const markOf = (offset: number): string => (offset === 0 ? '' : `mark ${offset}`)
const positionAt = (offset: number, epoch = 'e'): TopicPosition => ({ epoch, offset, mark: markOf(offset) })
const messageAt = (offset: number, bytes = 1): Positioned => ({
  position: positionAt(offset),
  previousMark: markOf(offset - 1),
  bytes,
})
const offsets = (messages: unknown): unknown =>
  Array.isArray(messages) ? (messages as Positioned[]).map(({ position }) => position.offset) : messages

function ringUpTo(offset: number, { count = 5, bytes = 1000, from = 0 } = {}): NodeRing<Positioned> {
  const ring = new NodeRing<Positioned>(positionAt(from), { count, bytes })
  for (let next = from + 1; next <= offset; next += 1) assert.equal(ring.add(messageAt(next)), 'next')
  return ring
}

describe('NodeRing', () => {
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
    assert.deepEqual(offsets(ring.since(positionAt(8))), [])
    assert.deepEqual(offsets(ring.since(positionAt(5))), [6, 7, 8])
    // Its own message is gone, but the successor names its mark.
    assert.deepEqual(offsets(ring.since(positionAt(3))), [4, 5, 6, 7, 8])
    assert.equal(ring.since(positionAt(2)), 'older')
  })

  it('refuses a position of another epoch, another mark, or beyond its head', () => {
    const ring = ringUpTo(8)
    assert.equal(ring.since(positionAt(6, 'another')), 'unknown-epoch')
    assert.equal(ring.since({ ...positionAt(6), mark: 'another' }), 'rewound')
    assert.equal(ring.since({ ...positionAt(8), mark: 'another' }), 'rewound')
    assert.equal(ring.since(positionAt(9)), 'rewound')
  })

  it('starts after a head whose messages it does not have', () => {
    const ring = new NodeRing<Positioned>(positionAt(0), { count: 5, bytes: 1000 })
    ring.reset(positionAt(40))
    assert.deepEqual(offsets(ring.since(positionAt(40))), [])
    assert.equal(ring.since(positionAt(39)), 'older')
    assert.equal(ring.add(messageAt(41)), 'next')
    assert.deepEqual(offsets(ring.since(positionAt(40))), [41])
  })

  it('keeps as many messages and bytes as it may', () => {
    const ring = new NodeRing<Positioned>(positionAt(0), { count: 3, bytes: 10 })
    for (let offset = 1; offset <= 3; offset += 1) ring.add(messageAt(offset, 3))
    assert.equal(ring.size, 3)
    ring.add(messageAt(4, 4))
    assert.deepEqual(offsets(ring.last(9)), [2, 3, 4])
    ring.add(messageAt(5, 10))
    assert.deepEqual(offsets(ring.last(9)), [5])
    ring.add(messageAt(6, 11))
    assert.deepEqual(offsets(ring.last(9)), [])
    assert.deepEqual(ring.head, positionAt(6))
    assert.deepEqual(offsets(ring.last(0)), [])
  })

  it('answers as a list of all messages would, for any lengths', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 40 })
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 20 }), (all, count, bytes) => {
        const ring = new NodeRing<Positioned>(positionAt(0), { count, bytes })
        let kept: number[] = []
        for (const [index, length] of all.entries()) {
          ring.add(messageAt(index + 1, length))
          kept.push(index + 1)
          const total = () => kept.reduce((sum, offset) => sum + all[offset - 1]!, 0)
          while (kept.length > count || total() > bytes) kept = kept.slice(1)
        }
        assert.deepEqual(offsets(ring.last(100)), kept)
        for (let offset = 0; offset <= all.length; offset += 1) {
          const isProved = offset >= all.length - kept.length
          const expected = isProved ? kept.filter((each) => each > offset) : 'older'
          assert.deepEqual(offsets(ring.since(positionAt(offset))), expected)
        }
      }),
    )
  })
})
