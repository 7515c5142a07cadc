import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TopicPosition } from 'twoway/hub'
import { storedContent } from './channel-messages.js'
import { type EntryReply, lastOf, resumedFrom } from './history.js'

/** An entry of a stream with messages `T.1`, `T.2` and so on, whose contents are their offsets. */
function entry(first: number, count: number, tag: string, before: string, epoch = 'E'): EntryReply {
  const contents = Array.from({ length: count }, (_, index) => storedContent(index + 1, `${first + index}`))
  return [`${first + count - 1}-0`, ['m', `s${tag} ${epoch} ${first - 1} ${before} ${contents.join('')}`]]
}

// 1 to 3, 4, 5 to 9.
const entries = [entry(1, 3, 'A', ''), entry(4, 1, 'B', 'A.3'), entry(5, 5, 'C', 'B.1')]
const marks = ['', 'A.1', 'A.2', 'A.3', 'B.1', 'C.1', 'C.2', 'C.3', 'C.4', 'C.5']
const at = (offset: number, change: Partial<TopicPosition> = {}): TopicPosition => ({
  epoch: 'E',
  offset,
  mark: marks[offset] ?? 'none',
  ...change,
})
const head = at(9)
const limits = { most: 100, historyCount: 100 }
/** The entries that a script answers: from that with the next message on. */
const after = (offset: number): EntryReply[] => entries.filter(([id]) => Number.parseInt(id, 10) > offset)

const strange: EntryReply[] = [
  ['9-1', ['m', 'sT E 9']],
  ['9-2', []],
  ['9-3', ['other', 'fields', 'm', 'p']],
  entry(9, 2, 'X', 'C.4'),
  entry(5, 5, 'Y', 'B.1'),
  entry(5, 5, 'C', 'B.1', 'other epoch'),
]

describe('a resume from entries of several messages', () => {
  it('gives all messages after each position, also from the middle of an entry', () => {
    for (let offset = 0; offset <= 9; offset += 1) {
      const answer = resumedFrom(at(offset), head, after(offset), limits)
      assert.ok(answer.recovered, `offset ${offset}`)
      assert.deepEqual(answer.head, head)
      const expected = marks.slice(offset + 1).map((mark, index) => ({
        position: { epoch: 'E', offset: offset + 1 + index, mark },
        previousMark: marks[offset + index],
        content: `${offset + 1 + index}`,
      }))
      assert.deepEqual(answer.messages, expected)
    }
  })

  it('refuses another mark at each offset, another epoch, and an offset beyond the head', () => {
    const reason = (position: TopicPosition): string => {
      const answer = resumedFrom(position, head, after(position.offset), limits)
      assert.deepEqual(answer.head, head)
      return answer.recovered ? 'recovered' : answer.reason
    }
    for (let offset = 0; offset <= 9; offset += 1) {
      assert.equal(reason(at(offset, { mark: 'other' })), 'rewound', `offset ${offset}`)
      assert.equal(reason(at(offset, { epoch: 'other' })), 'unknown-epoch', `offset ${offset}`)
    }
    assert.equal(reason(at(10)), 'rewound')
    for (const offset of [-1, 1.5, Number.NaN]) assert.equal(reason(at(offset)), 'rewound')
  })

  it('refuses a position beyond a limit, whose mark it has checked by the first entry', () => {
    const reason = (position: TopicPosition, most: number): string => {
      const answer = resumedFrom(position, head, after(position.offset).slice(0, 1), { most, historyCount: 100 })
      return answer.recovered ? 'recovered' : answer.reason
    }
    assert.equal(reason(at(1), 7), 'limit')
    assert.equal(reason(at(3), 5), 'limit')
    assert.equal(reason(at(1, { mark: 'other' }), 7), 'rewound')
    assert.equal(reason(at(6), 3), 'recovered')
  })

  it('refuses a position before the kept history, though its entry is still there', () => {
    const reason = (offset: number, kept: readonly EntryReply[]): string => {
      const answer = resumedFrom(at(offset), head, kept, { most: 100, historyCount: 3 })
      return answer.recovered ? 'recovered' : answer.reason
    }
    assert.equal(reason(5, after(5)), 'expired')
    assert.equal(reason(6, after(6)), 'recovered')
    assert.equal(reason(9, []), 'recovered')
    assert.equal(resumedFrom(at(3), head, entries.slice(2), limits).recovered, false)
    assert.equal(resumedFrom(at(3), head, [], limits).recovered, false)
  })

  it('skips entries that are cut off or of another program, and refuses a position if they leave a hole', () => {
    const whole = resumedFrom(at(2), head, after(2), limits)
    for (let place = 0; place <= 3; place += 1) {
      for (const other of strange) {
        const mixed = [...entries.slice(0, place), other, ...entries.slice(place)]
        assert.deepEqual(resumedFrom(at(2), head, mixed, limits), whole)
      }
    }
    for (const other of strange) {
      const answer = resumedFrom(at(2), head, [entries[0]!, other, entries[2]!], limits)
      assert.deepEqual(answer, { recovered: false, head, reason: 'expired' })
    }
  })
})

describe('the newest messages of entries', () => {
  const offsets = (kept: readonly EntryReply[], most: number): number[] =>
    lastOf(head, kept, most).messages.map(({ position }) => position.offset)

  it('end at the head, and are as many as asked for', () => {
    assert.deepEqual(offsets(entries, 100), [1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert.deepEqual(offsets(entries, 2), [8, 9])
    assert.deepEqual(offsets(entries.slice(1), 6), [4, 5, 6, 7, 8, 9])
    assert.deepEqual(offsets([], 6), [])
    assert.deepEqual(offsets(entries, 0), [])
  })

  it('begin behind a hole, and are none if the one at the head is missing', () => {
    assert.deepEqual(offsets([entries[0]!, entries[2]!], 100), [5, 6, 7, 8, 9])
    assert.deepEqual(offsets(entries.slice(0, 2), 100), [])
    for (const other of strange) assert.deepEqual(offsets([...entries, other], 6), [4, 5, 6, 7, 8, 9])
  })
})
