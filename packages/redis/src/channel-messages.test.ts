import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readChannelMessage, storedContent, volatileMessage } from './channel-messages.js'

const stored = (start: string, ...contents: (readonly [number, string | Uint8Array])[]): string =>
  `s${start}${contents.map(([number, content]) => storedContent(number, content)).join('')}`

describe('a message of a channel', () => {
  it('is stored messages in a row, each with the mark of the one before', () => {
    const bytes = Buffer.of(0, 255, 128)
    assert.deepEqual(readChannelMessage(stored('T E 6 M.3 ', [1, 'é🙂 1 2'], [4, ''], [5, bytes])), {
      stored: [
        { position: { epoch: 'E', offset: 7, mark: 'T.1' }, previousMark: 'M.3', content: 'é🙂 1 2' },
        { position: { epoch: 'E', offset: 8, mark: 'T.4' }, previousMark: 'T.1', content: '' },
        { position: { epoch: 'E', offset: 9, mark: 'T.5' }, previousMark: 'T.4', content: bytes },
      ],
    })
    const [first] = readChannelMessage(stored('T E 0  ', [1, 'a']))!.stored!
    assert.deepEqual(first, { position: { epoch: 'E', offset: 1, mark: 'T.1' }, previousMark: '', content: 'a' })
  })

  it('is a volatile message, with the node that has delivered it', () => {
    assert.deepEqual(readChannelMessage(volatileMessage('a b', undefined)), { volatile: 'a b', deliveredBy: undefined })
    assert.deepEqual(readChannelMessage(volatileMessage('a b', 'N')), { volatile: 'a b', deliveredBy: 'N' })
  })

  it('is nothing if it is cut off anywhere, or of another program', () => {
    const whole = stored('T E 6 M ', [1, 'first'], [2, 'second'])
    const isEnd = new Set([whole.length - storedContent(2, 'second').length, 'sT E 6 M '.length])
    for (let end = 0; end < whole.length; end += 1) {
      const read = readChannelMessage(whole.slice(0, end))
      assert.equal(read === undefined, !isEnd.has(end), `cut off at ${end}`)
    }
    const others = [
      '',
      'x',
      '{"a":1}',
      'sT E -1 M 1 2 ta',
      'sT E 1.5 M 1 2 ta',
      'sT E x M 1 2 ta',
      'sT E 1 M 1 0 ',
      's',
    ]
    for (const text of [...others, 'sT E 1 M 1 -2 ta', 'sT E 1 M 1 1e9 ta', 'sT E 1 M 1 1.5 ta', 'sT E 1 M 1 2 xa'])
      assert.equal(readChannelMessage(text), undefined, text)
  })
})
