import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { showAs } from './inspection.js'

class Thing {
  readonly inside = 'internal'
}
showAs(Thing.prototype, () => ({ url: 'ws://a/', depth: { of: { more: { than: 2 } } } }))

test('shows an object as its class name and the given members', () => {
  assert.equal(inspect(new Thing(), { depth: 0 }), "Thing { url: 'ws://a/', depth: [Object] }")
  class Special extends Thing {}
  assert.match(inspect(new Special()), /^Special \{ url: /)
})

test('shows only the name of a nested object beyond the depth, and of a prototype', () => {
  assert.equal(inspect({ a: { b: new Thing() } }, { depth: 1 }), '{ a: { b: [Thing] } }')
  assert.doesNotThrow(() => inspect(Thing.prototype))
})

test('applies to a single object too', () => {
  const one = showAs(new Thing(), ({ inside }) => ({ was: inside }))
  assert.equal(inspect(one), "Thing { was: 'internal' }")
})

test('shows an object whose members refer to it, at any depth', () => {
  class Circular {
    readonly data: object = { self: this }
  }
  showAs(Circular.prototype, ({ data }) => ({ data }), 'Shown')
  assert.equal(inspect(new Circular(), { depth: null }), 'Shown { data: { self: [Circular Shown] } }')
  assert.equal(inspect([new Circular()], { depth: 0 }), '[ [Shown] ]')
})
