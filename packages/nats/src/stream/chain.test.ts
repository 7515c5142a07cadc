import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BrokerContent, TopicMessage } from 'twoway/hub'
import { isWhole, messagesAfter, messagesOf, withoutVoidStart } from './chain.js'
import { type Entry, encodeEntry, fieldsAfter, readEntry } from './envelope.js'

/** An entry of messages behind another one. `expected` is the newest entry that its publisher knew, void ones among them. */
function entryAfter(
  before: { readonly sequence: number; readonly offset: number; readonly mark: string },
  expected: number,
  sequence: number,
  contents: readonly BrokerContent[],
): Entry {
  const position = { epoch: 'e', offset: before.offset, mark: before.mark }
  const fields = fieldsAfter({ sequence: expected, position }, 't', true)
  return readEntry(sequence, { get: (name) => fields[name] }, encodeEntry(contents))
}

const contents = (messages: readonly TopicMessage<BrokerContent>[] | undefined): string | undefined =>
  messages?.map(({ content }) => content).join(' ')
const headOf = ({ sequence, messages }: Entry) => ({ sequence, ...messages.at(-1)!.position })

// Two nodes publish behind entry 1 at the same time; a cluster stores both, and the second one is void.
const first = entryAfter({ sequence: 0, offset: 0, mark: '' }, 0, 1, ['a', 'b'])
const second = entryAfter(headOf(first), 1, 2, ['c'])
const lost = entryAfter(headOf(first), 1, 3, ['x', 'y', 'z'])
const third = entryAfter(headOf(second), 3, 4, ['d', 'e'])
const head = headOf(third)

describe('the chain of entries', () => {
  it('has no messages of void entries', () => {
    const messages = messagesOf([first, second, lost, third], true)
    assert.equal(contents(messages), 'a b c d e')
    assert.ok(isWhole(messages, head))
  })

  it('is found behind a void entry that comes first, with more messages than the position is away', () => {
    const read = messagesOf([lost, third], true)
    assert.equal(contents(read), 'x y z d e')
    assert.equal(contents(withoutVoidStart(read)), 'd e')
    assert.equal(contents(messagesAfter(headOf(second), read)), 'd e')
    assert.equal(messagesAfter({ ...headOf(second), mark: '2-other' }, read), undefined)
  })

  it('is found behind each message of an entry', () => {
    const messages = messagesOf([first, second, third], false)
    for (const [index, { position }] of messages.entries()) {
      assert.deepEqual(messagesAfter(position, messages) ?? [], messages.slice(index + 1))
    }
    assert.equal(withoutVoidStart(messages), messages)
    assert.deepEqual(withoutVoidStart([]), [])
  })

  it('has a hole where an entry is missing', () => {
    assert.ok(!isWhole(messagesOf([first, third], false), head))
  })
})
