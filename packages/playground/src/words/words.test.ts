import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeCloseCode } from 'twoway'
import { echoSettings } from '../echo-settings.js'
import { chinese } from './chinese.js'
import { chineseMeanings, closeCodeWords } from './close-code-words.js'
import { english, type Words } from './english.js'
import { fill } from './fill.js'
import { preferredLanguage } from './language.js'

const keys = Object.keys(english) as (keyof Words)[]
const placeholdersOf = (text: string): string[] =>
  [...text.matchAll(/\{\w+\}/g)].map(([placeholder]) => placeholder).sort()

describe('the words', () => {
  it('exist in both languages', () => assert.deepEqual(Object.keys(chinese).sort(), [...keys].sort()))

  for (const key of keys) {
    it(`${key} has a text with the same values in both languages`, () => {
      for (const table of [english, chinese]) assert.notEqual(table[key].trim(), '')
      assert.deepEqual(placeholdersOf(chinese[key]), placeholdersOf(english[key]))
    })
  }

  it('explain each setting of the echo service', () => {
    for (const { name } of echoSettings) assert.ok(`setting_${name}` in english, name)
    const explained = keys.filter((key) => key.startsWith('setting_')).map((key) => key.slice('setting_'.length))
    assert.deepEqual(explained.sort(), echoSettings.map(({ name }) => name).sort())
  })

  it('are Chinese in Chinese, except for names', () => {
    const names = keys.filter(
      (key) => /^[^\u4e00-\u9fff]*$/.test(chinese[key]) && /[a-z]/i.test(chinese[key].replaceAll(/\{\w+\}/g, '')),
    )
    // English has an article before some.
    for (const key of names) assert.ok(english[key].endsWith(chinese[key]), key)
  })
})

describe('closeCodeWords', () => {
  it('is the library’s text in English', () => {
    for (const code of [999, 1000, 1006, 1013, 3000, 3001, 4000]) {
      assert.equal(closeCodeWords(code, 'en'), describeCloseCode(code))
    }
  })

  it('has a Chinese text for each code that the library describes', () => {
    const ofRange = new Set([500, 1500, 2999, 3999, 4999].map((code) => describeCloseCode(code)))
    for (let code = 0; code <= 5000; code++) {
      assert.equal(code in chineseMeanings, !ofRange.has(describeCloseCode(code)), String(code))
    }
  })

  it('describes other codes by their range', () => {
    const words = [999, 1500, 2999, 3001, 3999, 4000, 4999, 5000].map((code) => closeCodeWords(code, 'zh'))
    assert.equal(new Set(words).size, 4)
    assert.equal(words[0], words[7])
    assert.equal(words[1], words[2])
    assert.equal(words[3], words[4])
    assert.equal(words[5], words[6])
  })
})

it('fill replaces known values and leaves the others', () => {
  assert.equal(fill('{a} of {b}, {c}', { a: 1, b: '{a}' }), '1 of {a}, {c}')
})

describe('preferredLanguage', () => {
  for (const [wanted, language] of [
    [['zh-CN', 'en'], 'zh'],
    [['zh-Hant-TW'], 'zh'],
    [['en-US', 'zh'], 'en'],
    [['de', 'ZH'], 'zh'],
    [['de', 'fr'], 'en'],
    [[], 'en'],
  ] as const) {
    it(`is ${language} for ${wanted.join(', ') || 'none'}`, () => assert.equal(preferredLanguage(wanted), language))
  }
})
