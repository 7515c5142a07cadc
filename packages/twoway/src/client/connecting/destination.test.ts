import assert from 'node:assert/strict'
import { test } from 'node:test'
import { destinationOf, isSameOrigin } from './destination.js'
import { parseWebSocketUrl } from './url.js'

function at(text: string) {
  const { url, socketPath } = destinationOf(parseWebSocketUrl(text))
  return [url.href, socketPath]
}

test('a URL of the standard is its own destination', () => {
  assert.deepEqual(at('https://a.example:8443/b?c'), ['wss://a.example:8443/b?c', undefined])
})

test('ws+unix: and wss+unix: lead to a Unix socket, the resource behind the first colon', () => {
  assert.deepEqual(at('ws+unix:/run/a.sock:/b/c:d?e:f'), ['ws://localhost/b/c:d?e:f', '/run/a.sock'])
  assert.deepEqual(at('wss+unix:/run/a.sock:/'), ['wss://localhost/', '/run/a.sock'])
  assert.deepEqual(at('ws+unix:/run/a.sock'), ['ws://localhost/', '/run/a.sock'])
  assert.deepEqual(at('ws+unix:///run/a.sock:/b'), ['ws://localhost/b', '/run/a.sock'])
  assert.deepEqual(at('ws+unix:/run/a%3Ab c.sock:/b'), ['ws://localhost/b', '/run/a:b c.sock'])
  assert.equal(parseWebSocketUrl('ws+unix:/run/a.sock:/b').href, 'ws+unix:/run/a.sock:/b')
})

test('a Unix socket without an absolute path, with a host, or a resource without / is a SyntaxError', () => {
  for (const text of [
    ...['ws+unix:', 'ws+unix:a.sock:/', 'ws+unix://host/a.sock:/', 'ws+unix:/a.sock:b', 'ws+unix::/b'],
    ...['ws+unix:/%zz:/', 'ws+unix:/a.sock:/#b', 'http+unix:/a.sock:/'],
  ]) {
    assert.throws(
      () => parseWebSocketUrl(text),
      (error) => error instanceof DOMException && error.name === 'SyntaxError',
      text,
    )
  }
})

test('an origin is scheme, host, port and socket', () => {
  const isSame = (one: string, other: string) =>
    isSameOrigin(destinationOf(new URL(one)), destinationOf(new URL(other)))
  assert.ok(isSame('ws://a/b', 'ws://A:80/c'))
  assert.ok(isSame('ws+unix:/a:/b', 'ws+unix:/a:/c'))
  for (const other of ['wss://localhost/', 'ws://localhost:81/', 'ws://127.0.0.1/', 'ws+unix:/a:/']) {
    assert.ok(!isSame('ws://localhost/', other), other)
  }
  assert.ok(!isSame('ws+unix:/a:/', 'ws+unix:/b:/'))
})
