import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { matches } from './topic-name.js'
import { TopicTrie } from './topic-trie.js'

function found(trie: TopicTrie<string>, topic: string): string[] {
  const values: string[] = []
  trie.match(topic, (value) => values.push(value))
  return values.sort()
}

const topics = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
  .map((tokens) => tokens.join('.'))
const patterns = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', 'c', '*'), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([tokens, hasRest]) => (hasRest ? [...tokens.slice(1), '>'] : tokens).join('.'))

describe('TopicTrie', () => {
  it('finds the patterns that match, and no other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(patterns, { maxLength: 30 }), topics, (all, topic) => {
        const trie = new TopicTrie<string>()
        for (const pattern of all) trie.set(pattern, pattern)
        assert.equal(trie.size, all.length)
        assert.deepEqual(found(trie, topic), all.filter((pattern) => matches(pattern, topic)).sort())
      }),
      { numRuns: 1000 },
    )
  })

  it('forgets what was deleted, and nothing else', () => {
    fc.assert(
      fc.property(fc.uniqueArray(patterns, { maxLength: 20 }), fc.array(patterns), topics, (all, deleted, topic) => {
        const trie = new TopicTrie<string>()
        for (const pattern of all) trie.set(pattern, pattern)
        const rest = new Set(all)
        for (const pattern of deleted) assert.equal(trie.delete(pattern), rest.delete(pattern))
        assert.equal(trie.size, rest.size)
        for (const pattern of all) assert.equal(trie.get(pattern), rest.has(pattern) ? pattern : undefined)
        assert.deepEqual(found(trie, topic), [...rest].filter((pattern) => matches(pattern, topic)).sort())
      }),
      { numRuns: 1000 },
    )
  })

  it('keeps no node that no pattern needs', () => {
    const trie = new TopicTrie<string>()
    const kept = new TopicTrie<string>()
    for (const pattern of ['a.b.c', 'a.b', 'a.*.>', '>']) trie.set(pattern, pattern)
    for (const pattern of ['a.b.c', '>', 'a.*.>', 'a.b']) assert.equal(trie.delete(pattern), true)
    assert.deepEqual(trie, kept)
  })

  it('looks at few of many patterns', () => {
    const trie = new TopicTrie<number>()
    for (let index = 0; index < 100_000; index += 1) trie.set(`room.${index}.*`, index)
    let visited = 0
    trie.match('room.77.a', (value) => {
      visited += 1
      assert.equal(value, 77)
    })
    assert.equal(visited, 1)
  })
})
