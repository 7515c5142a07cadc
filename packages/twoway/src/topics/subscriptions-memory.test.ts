import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Subscriptions } from './subscriptions.js'

const gc = globalThis.gc
assert.ok(gc !== undefined, 'run with --expose-gc')

interface Member {
  readonly name: number
}

const count = 20_000
const members = Array.from({ length: count }, (_, name): Member => ({ name }))
const names = Array.from({ length: count }, (_, index) => `room.${index}`)

/** Kept, so that the memory of one measurement is not freed during the next. */
const kept: Subscriptions<Member>[] = []

function usedBytes(): number {
  gc!()
  gc!()
  return process.memoryUsage().heapUsed
}

/** Bytes for each of `count` subscriptions; the least of three, as the compiler allocates now and then. */
function bytesEach(fill: (subscriptions: Subscriptions<Member>) => void): number {
  const measured = Array.from({ length: 3 }, () => {
    const before = usedBytes()
    const subscriptions = new Subscriptions<Member>()
    kept.push(subscriptions)
    fill(subscriptions)
    return (usedBytes() - before) / count
  })
  return Math.min(...measured)
}

describe('memory of subscriptions', () => {
  const shapes: readonly (readonly [
    shape: string,
    topicOf: (index: number) => string,
    memberOf?: (i: number) => number,
  ])[] = [
    ['all members in one topic', () => 'room'],
    ['ten members in each topic', (index) => names[index % 2000]!],
    ['one member in each topic', (index) => names[index]!],
    ['ten topics for each member', (index) => names[Math.floor(index / 2000)]!, (index) => index % 2000],
  ]
  for (const [shape, topicOf, memberOf = (index: number) => index] of shapes) {
    it(`a subscription takes at most 200 bytes: ${shape}`, () => {
      const bytes = bytesEach((subscriptions) => {
        for (let index = 0; index < count; index += 1) {
          assert.ok(subscriptions.add(members[memberOf(index)]!, topicOf(index)))
        }
      })
      assert.ok(bytes > 20 && bytes <= 200, `${bytes} bytes`)
    })
  }
})
