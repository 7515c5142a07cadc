import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeaderFields } from './header-fields.js'

const headers = new HeaderFields(['Host', 'a', 'X-List', 'one,, TWO', 'x-list', 'three', '__proto__', 'b', 'Empty', ''])

test('finds a field by its name in any case, RFC 9110 §5.1', () => {
  for (const name of ['host', 'Host', 'HOST']) {
    assert.equal(headers.get(name), 'a')
    assert.ok(headers.has(name))
    assert.deepEqual(headers.all(name), ['a'])
  }
})

test('joins the values of several lines in their order, RFC 9110 §5.2', () => {
  assert.equal(headers.get('X-List'), 'one,, TWO, three')
  assert.deepEqual(headers.all('X-List'), ['one,, TWO', 'three'])
  assert.deepEqual(headers.list('X-List'), ['one', 'TWO', 'three'])
})

test('finds an element of a list in any case', () => {
  assert.ok(headers.lists('x-list', 'two'))
  assert.ok(!headers.lists('x-list', 'tw'))
  assert.ok(!headers.lists('absent', 'two'))
})

test('distinguishes an absent field from an empty one', () => {
  assert.equal(headers.get('absent'), undefined)
  assert.ok(!headers.has('absent'))
  assert.deepEqual(headers.all('absent'), [])
  assert.deepEqual(headers.list('absent'), [])
  assert.equal(headers.get('empty'), '')
  assert.ok(headers.has('empty'))
  assert.ok(!headers.has('constructor'))
})

test('iterates over the lines in their order, names in lower case', () => {
  const lines = [...headers]
  assert.deepEqual(lines.slice(0, 3), [
    ['host', 'a'],
    ['x-list', 'one,, TWO'],
    ['x-list', 'three'],
  ])
  assert.equal(lines.length, 5)
})
