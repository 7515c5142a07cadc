import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHost, isTarget } from './request-target.js'

const hosts = [
  'example.com',
  'example.com:8080',
  'a_b',
  '127.0.0.1:1',
  '[::1]',
  '[::1]:80',
  '[::ffff:1.2.3.4]',
  'a%20b',
  'a:',
]
const notHosts = [
  '',
  ':80',
  'a b',
  'a, b',
  'a/b',
  'a?b',
  'user@a',
  'a:b',
  'a:80:80',
  '::1',
  '[::1',
  '[]',
  '[x]',
  'a%2',
  'ä',
  'a\n',
]

for (const text of hosts) {
  test(`takes ${text} as a Host, RFC 3986 §3.2.2`, () => {
    assert.ok(isHost(text))
  })
}

for (const text of notHosts) {
  test(`refuses ${JSON.stringify(text)} as a Host, RFC 3986 §3.2.2`, () => {
    assert.ok(!isHost(text))
  })
}

const targets = [
  '/',
  '/chat?a=b',
  '//a',
  '/%23',
  'http://a.example',
  'https://A.example/x',
  'ws://a.example?x',
  'WSS://a.example/',
]
const notTargets = [
  '',
  '*',
  'chat',
  '?a',
  '/#',
  '/a#b',
  '/ä',
  '/a b',
  '/a\n',
  'a.example:80',
  'http:/a.example',
  'http://',
  'http:///x',
  'ftp://a.example/',
  'http://b.example/',
  'http://a.example:80/',
  'http://user@a.example/',
  'http://a.example/#b',
]

for (const text of targets) {
  test(`takes ${text} as the target of a handshake, §4.2.1`, () => {
    assert.ok(isTarget(text, 'a.example'))
  })
}

for (const text of notTargets) {
  test(`refuses ${JSON.stringify(text)} as the target of a handshake, §4.2.1`, () => {
    assert.ok(!isTarget(text, 'a.example'))
  })
}

test('refuses a backslash, which URL parsers read as a slash: a proxy allows a path that the server takes for another', () => {
  assert.ok(isTarget('/x%5C..%5Cmetrics', 'a'))
  for (const target of ['/x\\..\\metrics', '\\metrics', '/metrics\\', 'http://a/\\metrics'])
    assert.ok(!isTarget(target, 'a'))
})
