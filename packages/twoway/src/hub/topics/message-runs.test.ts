import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PreparedMessage, PreparedRun } from '../../core/prepared-message.js'
import { HubMessage } from './hub-message.js'
import { MessageRuns } from './message-runs.js'

const prepare = (message: string | Uint8Array): PreparedMessage => ({ length: message.length })

/** Messages of a topic, each with a content of so many characters. */
function messagesOf(topic: string, count: number, characters: number, first = 1): HubMessage[] {
  return Array.from({ length: count }, (_, index) => {
    const offset = first + index
    const position = { epoch: 'e', offset, mark: `m${offset}` }
    const content = `{"data":"${'x'.repeat(characters - 11)}"}`
    return new HubMessage(topic, { position, previousMark: `m${offset - 1}`, content }, (_topic, read) => read)
  })
}

/** Counts the runs that are joined. */
function counted() {
  let count = 0
  const join = (messages: readonly PreparedMessage[]): PreparedRun => {
    count += 1
    return { messages }
  }
  return { join, joined: () => count }
}

describe('MessageRuns', () => {
  it('joins the same messages once, and other ones anew', () => {
    const { join, joined } = counted()
    const runs = new MessageRuns()
    const messages = messagesOf('a', 10, 100)
    const first = runs.of(messages, prepare, join)
    assert.equal(runs.of([...messages], prepare, join), first)
    assert.equal(joined(), 1)
    for (const others of [messages.slice(1), messages.slice(0, 9), messagesOf('b', 10, 100)]) {
      runs.of(others, prepare, join)
    }
    assert.equal(joined(), 4)
    runs.clear()
    runs.of(messages, prepare, join)
    assert.equal(joined(), 5)
  })

  it('splits them at 32 KiB, and leaves a longer message alone', () => {
    const { join } = counted()
    const messages = [
      ...messagesOf('a', 5, 12 << 10),
      ...messagesOf('a', 1, 100 << 10, 6),
      ...messagesOf('a', 2, 100, 7),
    ]
    const runs = new MessageRuns().of(messages, prepare, join)
    assert.deepEqual(
      runs.map((run) => run.messages.map(({ position }) => position.offset)),
      [[1, 2], [3, 4], [5], [6], [7, 8]],
    )
    assert.deepEqual(new MessageRuns().of([], prepare, join), [])
  })

  it('puts a binary message right behind its header', () => {
    const { join } = counted()
    const position = { epoch: 'e', offset: 1, mark: 'm' }
    const content = Uint8Array.of(0, 2, 123, 125, 1, 2, 3)
    const message = new HubMessage('a', { position, previousMark: '', content }, (_topic, read) => read)
    const [run] = new MessageRuns().of([message], prepare, join)
    assert.deepEqual(
      run!.prepared.messages.map(({ length }) => length > 3),
      [true, false],
    )
  })

  it('packs messages that follow each other, and sends any other one as it is', () => {
    const { join } = counted()
    const texts: string[] = []
    const frame = (message: string | Uint8Array): PreparedMessage => {
      texts.push(String(message))
      return { length: message.length }
    }
    const packed = (messages: readonly HubMessage[]): unknown[] => {
      texts.length = 0
      new MessageRuns().of(messages, frame, join, true)
      return texts.map((text) => {
        const { t, at, items } = JSON.parse(text)
        return [t, at[1], ...(items ?? []).map(([mark, data]: [string, unknown]) => `${mark} ${data}`)]
      })
    }
    const message = (offset: number, content: string, previousMark = `m${offset - 1}`, epoch = 'e') => {
      const position = { epoch, offset, mark: `m${offset}` }
      return new HubMessage('a', { position, previousMark, content }, (_topic, read) =>
        read === 'foreign' ? undefined : read,
      )
    }
    const one = () => message(1, '{"data":1}')
    const three = () => message(3, '{"data":3}')
    const four = () => message(4, '{"from":"ann","data":4}')
    const two = ['msg', 1]
    assert.deepEqual(packed([one(), message(2, '{"data":2}'), three(), four()]), [
      ['run', 0, 'm1 1', 'm2 2', 'm3 3', 'm4 4'],
    ])
    assert.deepEqual(packed([one()]), [two])
    for (const content of ['foreign', '{"data":2,"from":"ann"}', '{"key":"k","data":2}']) {
      const kind = content === 'foreign' ? 'gap' : 'msg'
      assert.deepEqual(packed([one(), message(2, content), three(), four()]), [
        two,
        [kind, 2],
        ['run', 2, 'm3 3', 'm4 4'],
      ])
    }
    for (const stranger of [message(3, '{"data":3}', 'other'), message(3, '{"data":3}', 'm2', 'f'), four()]) {
      assert.equal(packed([one(), message(2, '{"data":2}'), stranger]).length, 2)
    }
  })

  it('keeps at most 4 MiB, those that were asked for last', () => {
    const { join, joined } = counted()
    const runs = new MessageRuns()
    const ofTopic = (index: number): HubMessage[] => messagesOf(`topic ${index}`, 1, (1 << 20) - 200)
    for (let index = 0; index < 5; index += 1) runs.of(ofTopic(index), prepare, join)
    assert.equal(joined(), 5)
    for (let index = 4; index > 0; index -= 1) runs.of(ofTopic(index), prepare, join)
    assert.equal(joined(), 5)
    // The place of topic 4 is taken.
    runs.of(ofTopic(0), prepare, join)
    for (let index = 3; index > 0; index -= 1) runs.of(ofTopic(index), prepare, join)
    assert.equal(joined(), 6)
    for (let repeat = 0; repeat < 2; repeat += 1) runs.of(messagesOf('huge', 5, 1 << 20), prepare, join)
    assert.equal(joined(), 6 + 10)
  })
})
