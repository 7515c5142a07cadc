import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCookies } from './cookies.js'

const cases: readonly [fields: readonly string[], cookies: readonly (readonly [string, string])[]][] = [
  [[], []],
  [[''], []],
  [['a=1'], [['a', '1']]],
  [
    ['a=1; b=2'],
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  [
    ['a=1;b=2'],
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  [
    ['\ta = 1 ;\t b =2 '],
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  [['a=1; a=2'], [['a', '1']]],
  [['a=; a=2'], [['a', '']]],
  [
    ['a=1', 'a=2; b=3'],
    [
      ['a', '1'],
      ['b', '3'],
    ],
  ],
  [['a=b=c=='], [['a', 'b=c==']]],
  [['a="x y"'], [['a', '"x y"']]],
  [['a=%20%zz'], [['a', '%20%zz']]],
  [['nameless; =value; ; a=1;'], [['a', '1']]],
  [
    ['A=1; a=2'],
    [
      ['A', '1'],
      ['a', '2'],
    ],
  ],
  [['a=x, y'], [['a', 'x, y']]],
  [['a=caf\u00e9'], [['a', 'caf\u00e9']]],
  [
    ['__proto__=x; constructor=y; toString=z'],
    [
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['toString', 'z'],
    ],
  ],
]

for (const [fields, cookies] of cases) {
  test(`cookies of ${JSON.stringify(fields)}, RFC 6265bis §4.2`, () => {
    assert.deepEqual(Object.entries(parseCookies(fields)), cookies)
  })
}

test('cookies have no prototype and change none', () => {
  const cookies = parseCookies(['__proto__=x'])
  assert.equal(Object.getPrototypeOf(cookies), null)
  assert.equal(cookies.toString, undefined)
  assert.equal(({} as Record<string, unknown>).x, undefined)
  assert.ok(Object.isFrozen(cookies))
})
