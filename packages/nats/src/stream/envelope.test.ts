import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { BrokerContent } from 'twoway/hub'
import {
  bytesTogether,
  decode,
  decodeEntry,
  encode,
  encodeEntry,
  fieldsAfter,
  mostTogether,
  positionsOf,
  readEntry,
  sequenceBefore,
  sequenceOf,
} from './envelope.js'

const content = fc.oneof(fc.string({ unit: 'grapheme' }), fc.uint8Array())
const several = fc.array(content, { minLength: 1, maxLength: mostTogether.count })
const plain = (contents: readonly BrokerContent[]): unknown[] =>
  contents.map((each) => (typeof each === 'string' ? each : [...each]))
const fieldsOf = (fields: Readonly<Record<string, string>>) => ({ get: (name: string) => fields[name] })
const before = { sequence: 7, position: { epoch: 'e', offset: 3, mark: '7-a' } }

describe('the body of an entry', () => {
  it('carries texts and bytes, one as it is and several behind their lengths', () => {
    fc.assert(
      fc.property(several, (contents) => {
        const encoded = encodeEntry(contents)
        assert.deepEqual(plain(decodeEntry(encoded)), plain(contents))
        if (contents.length === 1) assert.deepEqual(encoded, encode(contents[0]!))
        else assert.equal(encoded.length, 1 + contents.reduce((bytes, each) => bytes + bytesTogether(each), 0))
      }),
    )
  })

  it('owns its bytes', () => {
    const encoded = encodeEntry([Uint8Array.of(1), Uint8Array.of(2)])
    const decoded = decodeEntry(encoded)
    encoded.fill(0)
    assert.deepEqual(plain(decoded), [[1], [2]])
  })

  it('is no body of an entry when it is cut off, and never throws', () => {
    fc.assert(
      fc.property(several, (contents) => {
        const encoded = encodeEntry(contents)
        for (let end = 0; end < encoded.length; end += 1) {
          const read = decodeEntry(encoded.subarray(0, end))
          // A cut behind a message leaves a body with fewer of them; one content has no length.
          assert.ok(read.length < contents.length || contents.length === 1)
        }
      }),
      { numRuns: 20 },
    )
  })

  it('reads arbitrary bytes without an error and without more messages than an entry has', () => {
    const bytes = fc.tuple(fc.constantFrom(0x6d, 0x74, 0x62, 0), fc.uint8Array({ maxLength: 200 }))
    fc.assert(
      fc.property(bytes, ([kind, rest]) => {
        assert.ok(decodeEntry(Uint8Array.of(kind, ...rest)).length <= mostTogether.count)
      }),
    )
    const empty = [0, 0, 0, 1, 0x74]
    const forged = (count: number): Uint8Array =>
      Uint8Array.from([0x6d, ...Array.from({ length: count }, () => empty).flat()])
    assert.equal(decodeEntry(forged(mostTogether.count)).length, mostTogether.count)
    assert.deepEqual(decodeEntry(forged(mostTogether.count + 1)), [])
    assert.deepEqual(decodeEntry(Uint8Array.of(0x6d, 0xff, 0xff, 0xff, 0xff, 0x74)), [])
    assert.deepEqual(decodeEntry(Uint8Array.of(0x6d, 0, 0, 0, 0)), [])
    assert.deepEqual(decodeEntry(Uint8Array.of(0x6d)), [])
  })

  it('is none of a volatile message', () => {
    assert.equal(decode(encodeEntry(['a', 'b'])), undefined)
  })
})

describe('readEntry', () => {
  it('gives the messages of an entry offsets in a row, each with the mark of the one before it', () => {
    const fields = fieldsOf(fieldsAfter(before, 'tag', true))
    const { sequence, expected, messages } = readEntry(9, fields, encodeEntry(['x', 'y', 'z']))
    assert.deepEqual([sequence, expected], [9, 7])
    assert.deepEqual(messages, [
      { position: { epoch: 'e', offset: 4, mark: '9-tag.0' }, previousMark: '7-a', content: 'x' },
      { position: { epoch: 'e', offset: 5, mark: '9-tag.1' }, previousMark: '9-tag.0', content: 'y' },
      { position: { epoch: 'e', offset: 6, mark: '9-tag' }, previousMark: '9-tag.1', content: 'z' },
    ])
    assert.deepEqual(
      positionsOf(9, 'tag', { epoch: 'e', offset: 4, count: 3 }),
      messages.map(({ position }) => position),
    )
  })

  it('expects the entry of the mark, behind an entry of the same burst', () => {
    const fields = fieldsOf(fieldsAfter(before, 'tag', false))
    assert.equal(readEntry(9, fields, encodeEntry(['x', 'y'])).expected, 7)
  })

  it('has no message for an entry of another program', () => {
    const good = fieldsAfter(before, 'tag', true)
    const body = encodeEntry(['x', 'y'])
    assert.equal(readEntry(9, fieldsOf(good), body).messages.length, 2)
    assert.deepEqual(readEntry(9, fieldsOf({}), body).messages, [])
    assert.deepEqual(readEntry(9, fieldsOf(good), body.subarray(0, -1)).messages, [])
    for (const place of ['e 0 tag ', 'e 1.5 tag ', `e ${Number.MAX_SAFE_INTEGER} tag `, 'e 1', ' 1 tag ']) {
      assert.deepEqual(readEntry(9, fieldsOf({ ...good, Twoway: place }), body).messages, [], place)
    }
  })
})

describe('marks', () => {
  it('tell after which entry a position goes on', () => {
    assert.equal(sequenceOf('9-tag.0'), 9)
    assert.equal(sequenceBefore('9-tag.0'), 8)
    assert.equal(sequenceBefore('9-tag'), 9)
    for (const mark of ['', '.', '-tag', '0-tag', 'x-tag.0', '99999999999999999-tag']) {
      assert.equal(sequenceBefore(mark), undefined, mark)
    }
  })
})
