import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Environment, environmentProxy } from './environment-proxy.js'

const http = { HTTP_PROXY: 'http://p' }

function isExcepted(exceptions: string, host: string, port = 80): boolean {
  return environmentProxy({ host, port, isSecure: false }, { ...http, NO_PROXY: exceptions }) === undefined
}

test('takes HTTPS_PROXY for wss and HTTP_PROXY for ws, the one in lower case first', () => {
  const found = (isSecure: boolean, environment: Environment) =>
    environmentProxy({ host: 'a', port: 80, isSecure }, environment)
  const both = { HTTP_PROXY: 'http://h', HTTPS_PROXY: 'socks5://s' }
  assert.deepEqual(found(false, both), { variable: 'HTTP_PROXY', url: 'http://h' })
  assert.deepEqual(found(true, both), { variable: 'HTTPS_PROXY', url: 'socks5://s' })
  assert.deepEqual(found(true, { ...both, https_proxy: 'p:1' }), { variable: 'https_proxy', url: 'http://p:1' })
  assert.deepEqual(found(false, { ...both, http_proxy: '' }), { variable: 'HTTP_PROXY', url: 'http://h' })
  assert.equal(found(true, http), undefined)
  assert.equal(found(false, { HTTP_PROXY: '' }), undefined)
  assert.equal(found(false, {}), undefined)
})

test('does not take HTTP_PROXY in a CGI program, where a request can set it', () => {
  const target = { host: 'a', port: 80, isSecure: false }
  assert.equal(environmentProxy(target, { ...http, REQUEST_METHOD: 'GET' }), undefined)
  assert.equal(environmentProxy(target, { http_proxy: 'http://p', REQUEST_METHOD: 'GET' })?.url, 'http://p')
})

test('excepts the names of NO_PROXY and their subdomains', () => {
  for (const exceptions of [
    '*',
    'a.example',
    '.a.example',
    '*.a.example',
    'x, A.Example',
    'x a.example',
    ',a.example,',
  ]) {
    assert.ok(isExcepted(exceptions, 'a.example'), exceptions)
    assert.ok(isExcepted(exceptions, 'b.A.example'), exceptions)
  }
  for (const exceptions of ['', 'b.example', 'ba.example', 'xa.example', 'ample', '.', 'a.example.com']) {
    assert.ok(!isExcepted(exceptions, 'a.example'), exceptions)
  }
})

test('excepts a name or an address with a port on that port only', () => {
  assert.ok(isExcepted('a.example:8080', 'a.example', 8080))
  assert.ok(!isExcepted('a.example:8080', 'a.example', 80))
  assert.ok(isExcepted('127.0.0.1:8080', '127.0.0.1', 8080))
  assert.ok(!isExcepted('127.0.0.1:8080', '127.0.0.1', 80))
  assert.ok(isExcepted('[::1]:8080', '::1', 8080))
  assert.ok(!isExcepted('[::1]:8080', '::1', 80))
})

test('excepts addresses, in any of their forms, and networks', () => {
  assert.ok(isExcepted('10.1.2.3', '10.1.2.3'))
  assert.ok(isExcepted('0:0::1', '::1'))
  assert.ok(isExcepted('[::1]', '::1'))
  assert.ok(isExcepted('10.0.0.0/8', '10.255.0.1'))
  assert.ok(isExcepted('fe80::/10', 'fe80::1'))
  for (const [exceptions, host] of [
    ['10.1.2.3', '10.1.2.4'],
    ['2.3', '10.1.2.3'],
    ['10.0.0.0/8', '11.0.0.1'],
    ['10.0.0.0/33', '10.0.0.0'],
    ['10.0.0.0/8', 'a.example'],
    ['10.0.0.0/8', '::1'],
    ['fe80::/10', '10.0.0.1'],
    ['x/8', '10.0.0.1'],
  ] as const) {
    assert.ok(!isExcepted(exceptions, host), exceptions)
  }
})

test('takes no_proxy before NO_PROXY', () => {
  const target = { host: 'a', port: 80, isSecure: false }
  assert.notEqual(environmentProxy(target, { ...http, no_proxy: 'b', NO_PROXY: 'a' }), undefined)
})
