import assert from 'node:assert/strict'
import { test } from 'node:test'
import { destinationOf } from './destination.js'
import { redirectOf } from './redirect.js'

function follow(from: string, location: string | undefined, status = 302): string | undefined {
  const fields = location === undefined ? [] : ['Location', location]
  const destination = redirectOf({ version: '1.1', status, reason: '', fields }, destinationOf(new URL(from)))
  if (destination === undefined || typeof destination === 'string') return destination
  return destination.socketPath === undefined
    ? destination.url.href
    : `${destination.socketPath} ${destination.url.href}`
}

test('follows the statuses that keep the request, and 301 to 303, RFC 9110 §15.4', () => {
  for (const status of [301, 302, 303, 307, 308]) assert.equal(follow('ws://a/b', '/c', status), 'ws://a/c')
  for (const status of [200, 300, 304, 305, 306, 309, 400]) assert.equal(follow('ws://a/b', '/c', status), undefined)
})

test('resolves Location, maps http and https, and drops fragment, user and password', () => {
  for (const [location, expected] of [
    ['c?d', 'wss://a/b/c?d'],
    ['//other:1/', 'wss://other:1/'],
    ['https://a/x#fragment', 'wss://a/x'],
    ['wss://user:password@other/x', 'wss://other/x'],
    ['', 'wss://a/b/'],
  ] as const) {
    assert.equal(follow('wss://a/b/', location), expected)
  }
  assert.equal(follow('ws://a/', 'http://b/'), 'ws://b/')
  assert.equal(follow('ws://a/', 'https://b/'), 'wss://b/')
})

test('stays on a Unix socket only within its origin, and never leads to one', () => {
  assert.equal(follow('ws+unix:/a:/b', '/c'), '/a ws://localhost/c')
  assert.equal(follow('ws+unix:/a:/b', 'ws://localhost/c'), '/a ws://localhost/c')
  assert.equal(follow('ws+unix:/a:/b', 'ws://other/c'), 'ws://other/c')
  assert.match(follow('ws://a/', 'ws+unix:/run/docker.sock:/')!, /redirects to ws\+unix:, which is not followed/)
})

test('says why it does not follow', () => {
  assert.match(follow('wss://a/', 'http://a/')!, /from wss to ws:\/\/a\/, which is not encrypted/)
  assert.match(follow('wss://a/', 'ws://a/')!, /not encrypted/)
  assert.match(follow('ws://a/', undefined)!, /exactly one Location/)
  assert.match(follow('ws://a/', 'http://[')!, /is not a URL/)
  assert.match(follow('ws://a/', 'ftp://a/')!, /to ftp:, which is not followed/)
})
