import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Subscriptions } from './subscriptions.js'
import { matches } from './topic-name.js'

interface Member {
  readonly name: number
}

const patterns = ['a', 'b', 'a.b', 'a.c', '*', 'a.*', '*.b', '>', 'a.>']
const topics = ['a', 'b', 'a.b', 'a.c', 'b.b', 'a.b.c', 'none']

/** The model that the subscriptions are compared with: a list of pairs. */
class Model {
  #pairs: [Member, string][] = []

  has(member: Member, pattern: string): boolean {
    return this.#pairs.some(([other, otherPattern]) => other === member && otherPattern === pattern)
  }

  add(member: Member, pattern: string): boolean {
    if (this.has(member, pattern)) return false
    this.#pairs.push([member, pattern])
    return true
  }

  remove(member: Member, pattern: string): boolean {
    const had = this.has(member, pattern)
    this.#pairs = this.#pairs.filter(([other, otherPattern]) => other !== member || otherPattern !== pattern)
    return had
  }

  removeAll(member: Member): void {
    this.#pairs = this.#pairs.filter(([other]) => other !== member)
  }

  topicsOf(member: Member): string[] {
    return this.#pairs.filter(([other]) => other === member).map(([, pattern]) => pattern)
  }

  subscribersOf(topic: string): number[] {
    const members = this.#pairs.filter(([, pattern]) => matches(pattern, topic)).map(([member]) => member)
    return [...new Set(members)].map(({ name }) => name).sort()
  }

  get size(): number {
    return new Set(this.#pairs.map(([, pattern]) => pattern)).size
  }
}

describe('Subscriptions', () => {
  it('agrees with a list of pairs, over any sequence of calls', () => {
    const step = fc.record({
      does: fc.constantFrom('add', 'add', 'add', 'remove', 'removeAll'),
      member: fc.nat(4),
      pattern: fc.constantFrom(...patterns),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const members = Array.from({ length: 5 }, (_, name): Member => ({ name }))
        const subscriptions = new Subscriptions<Member>()
        const model = new Model()
        for (const { does, member: index, pattern } of steps) {
          const member = members[index]!
          if (does === 'removeAll') {
            subscriptions.removeAll(member)
            model.removeAll(member)
          } else {
            const call = does === 'add' ? 'add' : 'remove'
            assert.equal(subscriptions[call](member, pattern), model[call](member, pattern))
          }
          assert.equal(subscriptions.size, model.size)
        }
        for (const member of members) {
          const expected = model.topicsOf(member)
          assert.deepEqual([...subscriptions.topicsOf(member)], expected)
          assert.equal(subscriptions.countOf(member), expected.length)
        }
        for (const topic of topics) {
          const found = [...subscriptions.subscribersOf(topic)].map(({ name }) => name).sort()
          assert.deepEqual(found, model.subscribersOf(topic))
        }
        for (const pattern of patterns) {
          const isSubscribed = members.some((member) => model.has(member, pattern))
          assert.equal(subscriptions.has(pattern), isSubscribed)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('bears that members leave while the subscribers are read', () => {
    const subscriptions = new Subscriptions<Member>()
    const members = Array.from({ length: 10 }, (_, name): Member => ({ name }))
    for (const member of members) subscriptions.add(member, 'a')
    const seen: number[] = []
    for (const member of subscriptions.subscribersOf('a')) {
      seen.push(member.name)
      subscriptions.removeAll(members[member.name + 1] ?? member)
    }
    assert.deepEqual(seen, [0, 2, 4, 6, 8])
    assert.equal(subscriptions.size, 1)
  })
})
