import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ResumeFailure, TopicMessage, TopicPosition } from '../ports/broker/topic-position.js'
import { TopicRing } from './topic-ring.js'

const unlimited = { count: 1000, bytes: 1_000_000, ageMs: 1_000_000 }

function filled(count: number, limits = unlimited): { ring: TopicRing<number>; positions: TopicPosition[] } {
  const ring = new TopicRing<number>('e', limits)
  const positions = [ring.head]
  for (let index = 1; index <= count; index += 1) {
    positions.push(ring.append(index, { bytes: 10, mark: `m${index}`, nowMs: index }).position)
  }
  return { ring, positions }
}

/** The contents after a position, or the reason of the refusal. */
function resumed(ring: TopicRing<number>, position: TopicPosition, nowMs = 0, most?: number): number[] | ResumeFailure {
  const answer = ring.since(position, nowMs, most)
  assert.deepEqual(answer.head, ring.head)
  return answer.recovered ? answer.messages.map(({ content }) => content) : answer.reason
}

/** All messages that were ever appended, and those that the limits keep. */
class Model {
  readonly all: { readonly message: TopicMessage<number>; readonly bytes: number; readonly storedMs: number }[] = []
  gone = 0

  trim(limits: typeof unlimited, nowMs: number): void {
    const isBeyond = (kept: typeof this.all): boolean =>
      kept.length > limits.count ||
      kept.reduce((sum, { bytes }) => sum + bytes, 0) > limits.bytes ||
      kept.some(({ storedMs }) => nowMs - storedMs > limits.ageMs)
    while (isBeyond(this.all.slice(this.gone))) this.gone += 1
  }

  resumed(offset: number): number[] | 'expired' {
    // The successor of the position, and all after it, must be there.
    return offset < this.gone ? 'expired' : this.all.slice(offset).map(({ message }) => message.content)
  }
}

describe('TopicRing', () => {
  it('agrees with a list of all messages, over any sequence of messages and waits', () => {
    const step = fc.record({ bytes: fc.nat(12), waitMs: fc.nat(6) })
    const limits = fc.record({ count: fc.nat(6), bytes: fc.nat(40), ageMs: fc.nat(15) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), limits, fc.nat(20), (steps, limits, lastWaitMs) => {
        const ring = new TopicRing<number>('e', limits)
        const model = new Model()
        const positions = [ring.head]
        let nowMs = 0
        for (const [index, { bytes, waitMs }] of steps.entries()) {
          nowMs += waitMs
          const message = ring.append(index, { bytes, mark: `m${index}`, nowMs })
          assert.equal(message.previousMark, positions.at(-1)!.mark)
          positions.push(message.position)
          model.all.push({ message, bytes, storedMs: nowMs })
          model.trim(limits, nowMs)
          assert.equal(ring.size, model.all.length - model.gone)
        }
        nowMs += lastWaitMs
        model.trim(limits, nowMs)
        for (const [offset, position] of positions.entries()) {
          assert.equal(position.offset, offset)
          assert.deepEqual(resumed(ring, position, nowMs), model.resumed(offset))
        }
        const kept = model.all.slice(model.gone)
        assert.equal(ring.size, kept.length)
        assert.equal(
          ring.bytes,
          kept.reduce((sum, { bytes }) => sum + bytes, 0),
        )
        assert.deepEqual(ring.head, positions.at(-1))
      }),
      { numRuns: 1000 },
    )
  })

  it('refuses a position whose mark is not that of the message at its offset', () => {
    const { ring, positions } = filled(10, { ...unlimited, count: 5 })
    for (const position of positions.slice(5)) {
      assert.notEqual(resumed(ring, position), 'rewound')
      assert.equal(resumed(ring, { ...position, mark: 'other' }), 'rewound')
    }
  })

  it('refuses to resume on storage that went back and was written again', () => {
    const { positions } = filled(10)
    const { ring } = filled(5)
    assert.equal(resumed(ring, positions[10]!), 'rewound')
    for (let offset = 6; offset <= 11; offset += 1) ring.append(offset, { bytes: 1, mark: `n${offset}`, nowMs: 20 })
    assert.equal(resumed(ring, positions[10]!), 'rewound')
    assert.deepEqual(resumed(ring, positions[5]!), [6, 7, 8, 9, 10, 11])
  })

  it('resumes after the message that was dropped last, by the mark that its successor carries', () => {
    const { ring, positions } = filled(10, { ...unlimited, count: 5 })
    assert.equal(resumed(ring, positions[4]!), 'expired')
    assert.deepEqual(resumed(ring, positions[5]!), [6, 7, 8, 9, 10])
  })

  it('has a head that outlives the messages', () => {
    const { ring, positions } = filled(3, { ...unlimited, ageMs: 100 })
    assert.deepEqual(resumed(ring, positions[3]!, 1000), [])
    assert.equal(resumed(ring, positions[2]!, 1000), 'expired')
    assert.equal(resumed(ring, { ...positions[3]!, mark: 'other' }, 1000), 'rewound')
    assert.equal(ring.size, 0)
    assert.equal(ring.bytes, 0)
    assert.deepEqual(ring.append(4, { bytes: 1, mark: 'm4', nowMs: 1000 }).position, {
      epoch: 'e',
      offset: 4,
      mark: 'm4',
    })
    assert.deepEqual(resumed(ring, positions[3]!, 1000), [4])
  })

  it('refuses another epoch, and more messages than asked for', () => {
    const { ring, positions } = filled(5)
    assert.equal(resumed(ring, { ...positions[5]!, epoch: 'f' }), 'unknown-epoch')
    assert.deepEqual(resumed(ring, positions[2]!, 0, 3), [3, 4, 5])
    assert.equal(resumed(ring, positions[2]!, 0, 2), 'limit')
  })

  it('refuses offsets that no message can have', () => {
    const { ring } = filled(5)
    for (const offset of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
      assert.equal(resumed(ring, { epoch: 'e', offset, mark: 'm1' }), 'rewound', String(offset))
    }
  })

  it('drops nothing early when the clock goes back', () => {
    const ring = new TopicRing<number>('e', { ...unlimited, ageMs: 100 })
    const first = ring.head
    ring.append(1, { bytes: 1, mark: 'm1', nowMs: 1000 })
    ring.append(2, { bytes: 1, mark: 'm2', nowMs: 10 })
    const { ring: later, positions } = filled(0, { ...unlimited, ageMs: 100 })
    later.trim(1000)
    later.trim(10)
    later.append(1, { bytes: 1, mark: 'm1', nowMs: 10 })
    for (const start of [ring.since(first, 1100), later.since(positions[0]!, 1100)]) assert.equal(start.recovered, true)
    for (const start of [ring.since(first, 1101), later.since(positions[0]!, 1101)])
      assert.equal(start.recovered, false)
  })
})
