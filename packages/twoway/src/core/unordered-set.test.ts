import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { UnorderedSet } from './unordered-set.js'

test('contains the members that were added and not removed, in any order of calls', () => {
  const moves = fc.array(fc.tuple(fc.boolean(), fc.nat(9)), { maxLength: 100 })
  fc.assert(
    fc.property(moves, (list) => {
      const set = new UnorderedSet<{ index: number }>()
      const members = Array.from({ length: 10 }, () => ({ index: -1 }))
      const expected = new Set<object>()
      for (const [adds, index] of list) {
        const member = members[index]!
        if (!adds) set.remove(member)
        else if (!expected.has(member)) set.add(member)
        if (adds) expected.add(member)
        else expected.delete(member)
        assert.equal(set.size, expected.size)
        assert.deepEqual(new Set<object>(set), expected)
      }
    }),
  )
})
