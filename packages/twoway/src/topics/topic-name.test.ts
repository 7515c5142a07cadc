import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { faultOfPattern, faultOfTopic, isPattern, matches, maxNameLength, maxTokens } from './topic-name.js'

const tokens = (count: number): string => Array.from({ length: count }, () => 'a').join('.')

describe('topic names', () => {
  const topics = ['a', 'room.42', 'a.b.c', 'räume.部屋', 'user:1/x_y-z', tokens(maxTokens), 'a'.repeat(maxNameLength)]
  const patterns = ['*', '>', 'room.*', '*.42', 'a.*.c', 'a.>', '*.>', 'a.*.>']

  /** The fault, as a topic and as a pattern; one entry if it is the same for both. */
  const faults: readonly (readonly [name: unknown, topic: RegExp, pattern?: RegExp])[] = [
    [undefined, /must be a string, not undefined/],
    [null, /not null/],
    [5, /not number/],
    [['a'], /not object/],
    ['', /must not be empty/],
    ['.', /joined by single dots/],
    ['.a', /joined by single dots/],
    ['a.', /joined by single dots/],
    ['a..b', /joined by single dots/],
    ['a b', /spaces or control/],
    ['a\t', /spaces or control/],
    ['a\n.b', /spaces or control/],
    ['a\0', /spaces or control/],
    ['a\u007f', /spaces or control/],
    ['a\u2028b', /spaces or control/],
    ['a*', /whole token/],
    ['a.b>', /whole token/],
    ['**', /whole token/],
    ['>.a', /only be the last/],
    [tokens(maxTokens + 1), /at most 16 tokens, not 17/],
    ['a'.repeat(maxNameLength + 1), /at most 255 characters, not 256/],
  ]

  it('takes topics', () => {
    for (const topic of topics) {
      assert.equal(faultOfTopic(topic), undefined, topic)
      assert.equal(faultOfPattern(topic), undefined, topic)
      assert.equal(isPattern(topic), false, topic)
    }
  })

  it('takes patterns where they may stand', () => {
    for (const pattern of patterns) {
      assert.equal(faultOfPattern(pattern), undefined, pattern)
      assert.equal(faultOfTopic(pattern), 'this needs the name of one topic: * and > stand in patterns only', pattern)
      assert.equal(isPattern(pattern), true, pattern)
    }
  })

  for (const [name, topic, pattern = topic] of faults) {
    it(`says what is wrong with ${JSON.stringify(name)?.slice(0, 40)}`, () => {
      assert.match(faultOfTopic(name)!, topic)
      assert.match(faultOfPattern(name)!, pattern)
    })
  }

  it('takes another limit', () => {
    assert.equal(faultOfTopic('abc', 3), undefined)
    assert.match(faultOfTopic('abcd', 3)!, /at most 3 characters, not 4/)
  })

  const matching: readonly (readonly [pattern: string, topic: string, matches: boolean])[] = [
    ['a', 'a', true],
    ['a', 'b', false],
    ['a', 'a.b', false],
    ['a.b', 'a', false],
    ['*', 'a', true],
    ['*', 'a.b', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a.*', 'a.b.c', false],
    ['*.b', 'a.b', true],
    ['a.*.c', 'a.b.c', true],
    ['a.*.c', 'a.b.d', false],
    ['>', 'a', true],
    ['>', 'a.b.c', true],
    ['a.>', 'a.b', true],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['a.>', 'b.a', false],
    ['*.>', 'a.b', true],
    ['*.>', 'a', false],
  ]
  for (const [pattern, topic, expected] of matching) {
    it(`${pattern} ${expected ? 'matches' : 'does not match'} ${topic}`, () => {
      assert.equal(matches(pattern, topic), expected)
    })
  }
})
