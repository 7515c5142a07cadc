import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Entry } from './envelope.js'
import { startOfNewest } from './newest-start.js'

/** The entries of a topic, from gaps between their sequence numbers and counts of their messages. */
function entriesOf(
  sizes: readonly (readonly [gap: number, count: number])[],
  firstOffset: number,
  epoch = 'e',
): Entry[] {
  let [sequence, offset] = [0, firstOffset]
  return sizes.map(([gap, count]) => {
    const expected = sequence
    sequence += gap
    const messages = Array.from({ length: count }, (_, index) => ({
      position: { epoch, offset: offset + index, mark: '' },
      previousMark: '',
      content: '',
    }))
    offset += count
    return { sequence, expected, messages }
  })
}

async function find(entries: readonly Entry[], count: number) {
  let probes = 0
  const newest = entries.at(-1)!
  const head = { sequence: newest.sequence, position: newest.messages.at(-1)!.position }
  const after = await startOfNewest(head, count, async (sequence) => {
    probes += 1
    return entries.find((entry) => entry.sequence >= sequence)
  })
  const read = entries
    .filter(({ sequence }) => sequence > after)
    .reduce((sum, { messages }) => sum + messages.length, 0)
  return { after, probes, read }
}

describe('startOfNewest', () => {
  it('leaves out no message that is wanted', async () => {
    const size = fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 64 }))
    const sizes = fc.array(size, { minLength: 1, maxLength: 100 })
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 9999 }), async (...args) => {
        const [made, count, firstOffset] = args
        const entries = entriesOf(made, firstOffset)
        const kept = made.reduce((sum, [, messages]) => sum + messages, 0)
        const { read, probes } = await find(entries, count)
        assert.ok(read >= Math.min(count, kept), `${read} of ${count}`)
        assert.ok(probes <= 16)
      }),
    )
  })

  it('leaves out no message that is wanted where entries are void', async () => {
    // Behind each entry, one that has lost against it: both expect the same one.
    const valid = entriesOf(
      Array.from({ length: 50 }, () => [2, 8] as const),
      1,
    )
    const entries = valid.flatMap((entry) => {
      const expected = entry.sequence === 2 ? 0 : entry.sequence - 1
      return [
        { ...entry, expected },
        { ...entry, expected, sequence: entry.sequence + 1 },
      ]
    })
    const head = { sequence: 101, position: valid.at(-1)!.messages.at(-1)!.position }
    for (let count = 1; count <= 400; count += 1) {
      const after = await startOfNewest(head, count, async (sequence) =>
        entries.find((entry) => entry.sequence >= sequence),
      )
      const read = valid.filter(({ sequence }) => sequence > after).length * 8
      assert.ok(read >= count, `${read} of ${count}`)
    }
  })

  it('asks once if the history is shorter than wanted', async () => {
    const sizes = Array.from({ length: 2 }, () => [1, 8] as const)
    assert.deepEqual(await find(entriesOf(sizes, 1_000_001), 100), { after: 0, probes: 1, read: 16 })
  })

  it('reads few messages more than are wanted, of entries of any size', async () => {
    const full = Array.from({ length: 900 }, () => [3, 64] as const)
    const single = Array.from({ length: 100 }, () => [3, 1] as const)
    for (const sizes of [full, [...full, ...single], [...single, ...full]]) {
      const { read, probes } = await find(entriesOf(sizes, 1_000_001), 1000)
      assert.ok(read >= 1000 && read <= 2000 + 64, `${read}`)
      assert.ok(probes <= 10, `${probes}`)
    }
  })

  it('asks for nothing if the topic has had few messages', async () => {
    assert.deepEqual(
      await find(
        entriesOf(
          [
            [1, 64],
            [1, 64],
          ],
          1,
        ),
        64,
      ),
      { after: 0, probes: 0, read: 128 },
    )
  })

  it('ends at entries of another program or another life', async () => {
    const entries = entriesOf(
      Array.from({ length: 100 }, () => [1, 64] as const),
      1,
    )
    const foreign = entries.map((entry, index) => (index % 2 === 0 ? { ...entry, messages: [] } : entry))
    assert.equal((await find(foreign, 64)).after, 0)
    const earlier = entriesOf(
      [
        [1, 64],
        [1, 64],
      ],
      1,
      'earlier',
    )
    const later = entriesOf(
      [
        [5, 64],
        [1, 64],
        [1, 64],
      ],
      1,
    )
    assert.equal((await find([...earlier, ...later], 64)).after, 0)
  })
})
