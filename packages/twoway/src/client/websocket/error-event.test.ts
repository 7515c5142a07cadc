import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineErrorEvent } from './error-event.js'

const ErrorEvent = defineErrorEvent()

test('is an Event with the right tag and enumerable attributes on its prototype', () => {
  const event = new ErrorEvent('error')
  assert.ok(event instanceof Event)
  assert.equal(Object.prototype.toString.call(event), '[object ErrorEvent]')
  assert.deepEqual(Object.keys(ErrorEvent.prototype), ['message', 'filename', 'lineno', 'colno', 'error'])
  assert.throws(() => Reflect.get(ErrorEvent.prototype, 'message'), TypeError)
})

test('has the defaults of the HTML standard', () => {
  const { type, message, filename, lineno, colno, error, cancelable } = new ErrorEvent('a', undefined)
  assert.deepEqual([type, message, filename, lineno, colno, error, cancelable], ['a', '', '', 0, 0, undefined, false])
  assert.throws(() => new (ErrorEvent as new () => object)(), TypeError)
})

test('converts its arguments as WebIDL says', () => {
  const cause = new Error('no')
  const init = { message: 5, filename: 'a\ud800', lineno: -1, colno: '7', error: cause, cancelable: true }
  const event = new ErrorEvent('error', init as never)
  assert.deepEqual([event.message, event.filename, event.lineno, event.colno], ['5', 'a\ufffd', 4_294_967_295, 7])
  assert.deepEqual([event.error, event.cancelable], [cause, true])
})
