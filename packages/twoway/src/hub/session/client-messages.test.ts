import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { readClientMessage } from './client-messages.js'

const file = new URL('../../../../../docs/reference/protocol-vectors.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as { readonly client: object[]; readonly refused: string[] }

describe('readClientMessage', () => {
  it('says what came, and what a question is refused for by its id', () => {
    const refused: readonly (readonly [object, object])[] = [
      [
        { t: 'pub', id: 5, data: 1 },
        { t: 'refused', id: 5, fault: '"topic" of a message "pub" must be a string, not undefined' },
      ],
      [
        { t: 'pub', id: 5, topic: 'a', key: 7, bin: true },
        { t: 'refused', id: 5, bin: true, fault: '"key" of a message "pub" must be a string, not 7' },
      ],
      [
        { t: 'vol', topic: 'a', key: [] },
        { t: 'refused', topic: 'a', fault: '"key" of a message "vol" must be a string, not a list' },
      ],
      [
        { t: 'hist', id: 5, topic: 'a', last: `\u001b${'2'.repeat(1000)}` },
        {
          t: 'refused',
          id: 5,
          fault: `"last" of a message "hist" must be a whole number, not "\\u{1b}${'2'.repeat(199)}… and 801 more characters"`,
        },
      ],
      [
        { t: 'auth', id: 5 },
        { t: 'refused', id: 5, fault: '"token" of a message "auth" must be any value, not undefined' },
      ],
    ]
    for (const [message, expected] of refused) assert.deepEqual(readClientMessage(JSON.stringify(message)), expected)
  })

  it('lets no connection go on whose message has no id, or bytes of which the server does not know', () => {
    const fatal = [
      { t: 'pub', topic: 5 },
      { t: 'pub', id: -1, topic: 5 },
      { t: 'pub', id: 1, topic: 5, bin: 1 },
      { t: 'pub', id: 1, topic: 5, bin: true, data: 1 },
      { t: 'vol', topic: 5 },
      { t: 'cancel' },
    ]
    for (const message of fatal) assert.equal(typeof readClientMessage(JSON.stringify(message)), 'string')
  })

  for (const message of vectors.client) {
    it(`takes ${JSON.stringify(message)}`, () => assert.deepEqual(readClientMessage(JSON.stringify(message)), message))
  }

  for (const text of vectors.refused) {
    it(`refuses ${JSON.stringify(text)} with a sentence`, () => {
      const read = readClientMessage(text)
      const fault = typeof read === 'object' && read.t === 'refused' ? read.fault : read
      assert.equal(typeof fault, 'string')
      assert.match(fault as string, /must|has "data" or "bin"/)
    })
  }
})
