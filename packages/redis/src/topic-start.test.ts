import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerContent, TopicMessage } from 'twoway/hub'
import { TopicStart } from './topic-start.js'

const message = (epoch: string, offset: number): TopicMessage<BrokerContent> => ({
  position: { epoch, offset, mark: '' },
  previousMark: '',
  content: `${epoch}${offset}`,
})

test('the start of a topic passes on what follows the head, in order, also what came before the head was known', () => {
  for (const [head, expected] of [
    [{ epoch: 'a', offset: 2, mark: '' }, 'a3 a4 b1'],
    [undefined, 'a1 a3 a2 a4 b1'],
  ] as const) {
    const passed: BrokerContent[] = []
    const start = new TopicStart(({ content }) => passed.push(content))
    for (const offset of [1, 3]) start.received(message('a', offset))
    assert.deepEqual(passed, [])
    start.at(head)
    start.received(message('a', 2))
    start.received(message('a', 4))
    start.received(message('b', 1))
    assert.equal(passed.join(' '), expected)
  }
})
