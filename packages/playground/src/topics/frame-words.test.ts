import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { chinese } from '../words/chinese.js'
import { english } from '../words/english.js'
import { fill } from '../words/fill.js'
import { frameWords } from './frame-words.js'

const file = new URL('../../../../docs/reference/protocol-vectors.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly client: readonly { readonly t: string }[]
  readonly server: readonly { readonly t: string }[]
}

describe('frameWords', () => {
  for (const [direction, messages] of [
    ['sent', vectors.client],
    ['received', vectors.server],
  ] as const) {
    for (const message of messages) {
      it(`has words for ${direction} ${JSON.stringify(message)}`, () => {
        const { key, values } = frameWords(direction, JSON.stringify(message))
        for (const table of [english, chinese]) assert.doesNotMatch(fill(table[key], values), /\{\w+\}/)
        // The page itself sends no others.
        const isOther = ['auth', 'hist', 'who', 'req', 'cancel', 'part', 'a type to come'].includes(message.t)
        assert.equal(key === 'frame_other', isOther)
      })
    }
  }

  it('tells a resume that is whole from one that is not', () => {
    const answer = (recovered: boolean) =>
      frameWords(
        'received',
        JSON.stringify({ t: 'ok', id: 1, at: ['e', 3, 'abcdef'], count: 1, recovered, reason: 'expired' }),
      )
    assert.equal(
      fill(english[answer(true).key], answer(true).values),
      'Answer 1: nothing is missing; 1 missed messages follow, up to position 3 (abcd).',
    )
    assert.match(fill(english[answer(false).key], answer(false).values), /may be missing \(expired\)/)
  })
})
