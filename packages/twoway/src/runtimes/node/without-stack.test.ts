import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutStack } from './without-stack.js'

test('makes an error that notes no frames, and leaves the next one its own', () => {
  const before = Error.stackTraceLimit
  const error = withoutStack(() => new RangeError('lost', { cause: new Error('reset') }))
  assert.equal(error.stack, 'RangeError: lost')
  assert.equal((error.cause as Error).stack, 'Error: reset')
  assert.equal(Error.stackTraceLimit, before)
  assert.match(new Error('own').stack!, /without-stack/)
})

test('leaves the next error its frames also where none could be made', () => {
  const before = Error.stackTraceLimit
  const fail = (): Error => {
    throw new TypeError('no')
  }
  assert.throws(() => withoutStack(fail), TypeError)
  assert.equal(Error.stackTraceLimit, before)
})

test('makes an error with its frames where the limit is frozen', () => {
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')!
  Object.defineProperty(Error, 'stackTraceLimit', { ...limit, writable: false })
  try {
    assert.match(withoutStack(() => new Error('lost')).stack!, /Error: lost\n.*without-stack/)
  } finally {
    Object.defineProperty(Error, 'stackTraceLimit', limit)
  }
})
