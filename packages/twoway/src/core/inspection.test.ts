import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { showAs } from './inspection.js'

class Thing {
  readonly inside = 'internal'
}
showAs(Thing.prototype, () => ({ url: 'ws://a/', depth: { of: { more: { than: 2 } } } }))

test('shows an object by its class and the members named', () => {
  assert.equal(inspect(new Thing(), { depth: 0 }), "Thing { url: 'ws://a/', depth: [Object] }")
  class Special extends Thing {}
  assert.match(inspect(new Special()), /^Special \{ url: /)
})

test('shows the name alone where it lies too deep, and nothing of a prototype', () => {
  assert.equal(inspect({ a: { b: new Thing() } }, { depth: 1 }), '{ a: { b: [Thing] } }')
  assert.doesNotThrow(() => inspect(Thing.prototype))
})

test('holds for one object where it is given one', () => {
  const one = showAs(new Thing(), ({ inside }) => ({ was: inside }))
  assert.equal(inspect(one), "Thing { was: 'internal' }")
})
