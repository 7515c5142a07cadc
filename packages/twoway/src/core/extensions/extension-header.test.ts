import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ExtensionOffer, formatExtensions, parseExtensions } from './extension-header.js'

const wellFormed: Record<string, readonly ExtensionOffer[]> = {
  foo: [{ name: 'foo', parameters: [] }],
  'foo, bar; baz=2': [
    { name: 'foo', parameters: [] },
    { name: 'bar', parameters: [['baz', '2']] },
  ],
  'deflate-stream; a; b=1; a': [
    {
      name: 'deflate-stream',
      parameters: [
        ['a', undefined],
        ['b', '1'],
        ['a', undefined],
      ],
    },
  ],
  'a; b="c"': [{ name: 'a', parameters: [['b', 'c']] }],
  'a; b="\\c\\d"': [{ name: 'a', parameters: [['b', 'cd']] }],
  ',\ta ;\tb = 1 ; c = "2"\t,, ': [
    {
      name: 'a',
      parameters: [
        ['b', '1'],
        ['c', '2'],
      ],
    },
  ],
}

for (const [value, expected] of Object.entries(wellFormed)) {
  test(`reads ${JSON.stringify(value)}, §9.1`, () => {
    assert.deepEqual(parseExtensions(value), expected)
  })
}

const malformed = [
  '',
  ' ,, ',
  'a b',
  'a;',
  'a;;b',
  ';a',
  '; a=b',
  'a=1',
  'a; =1',
  'a; b=',
  'a; b=1=2',
  'a; b c',
  'a; b=1 2',
  'a; b=""',
  'a; b="1',
  'a; b=1"',
  'a; b="\\"',
  'a; b="\\\\"',
  'a; b="1 2"',
  'a; b="1,2"',
  'a; b="1\\,2"',
  'a; b="1;2"',
  'a; b="1\\"2"',
  'a; b="1"2',
  "a; b='1 2'",
  'a; b\\=1',
  'ä',
  'a; b=ä',
  'a, b c',
]

for (const value of malformed) {
  test(`refuses ${JSON.stringify(value)}, §9.1`, () => {
    assert.equal(parseExtensions(value), undefined)
  })
}

const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,8}$/)
const parameter = fc.tuple(token, fc.option(token, { nil: undefined }))
const offer = fc.record({ name: token, parameters: fc.array(parameter) }, { noNullPrototype: true })

test('reads what it writes', () => {
  fc.assert(
    fc.property(fc.array(offer, { minLength: 1 }), (offers) => {
      assert.deepEqual(parseExtensions(formatExtensions(offers)), offers)
    }),
  )
})

test('reads or refuses any text, and what it reads it can write and read again', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab=,;"\\ \t') }), (text) => {
      const offers = parseExtensions(text)
      if (offers !== undefined) assert.deepEqual(parseExtensions(formatExtensions(offers)), offers)
    }),
    { numRuns: 2000 },
  )
})

test('reads hostile values of 1 MiB without catastrophic backtracking', () => {
  for (const piece of ['a;', ' ', 'a ', 'a;b=', '"', '\\', 'a;b="', ',']) {
    const long = piece.repeat((1 << 20) / piece.length)
    for (const value of [long, `a; b${long}"`]) assert.equal(parseExtensions(value), undefined)
  }
})

test('returns the same objects for a recent value, and the right ones after any number of others', () => {
  const value = 'known; a=1'
  assert.equal(parseExtensions(value), parseExtensions(value))
  for (let count = 0; count < 100; count++) {
    assert.deepEqual(parseExtensions(`x${count}`), [{ name: `x${count}`, parameters: [] }])
  }
  assert.deepEqual(parseExtensions(value), [{ name: 'known', parameters: [['a', '1']] }])
  const long = `x; a=${'1'.repeat(1000)}`
  assert.notEqual(parseExtensions(long), parseExtensions(long))
})
