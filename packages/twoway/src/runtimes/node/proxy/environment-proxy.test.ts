import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Environment, environmentProxy } from './environment-proxy.js'

const http = { HTTP_PROXY: 'http://p' }

function isExcepted(exceptions: string, host: string, port = 80): boolean {
  return environmentProxy({ host, port, isSecure: false }, { ...http, NO_PROXY: exceptions }) === undefined
}

/** The variables that each scheme reads, the first that counts first: the table of docs/how-to/proxies.md. */
const order: { readonly [scheme in 'ws' | 'wss']: readonly string[] } = {
  ws: ['ws_proxy', 'WS_PROXY', 'http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'],
  wss: ['wss_proxy', 'WSS_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'],
}

function found(scheme: string, environment: Environment) {
  return environmentProxy({ host: 'a', port: 80, isSecure: scheme === 'wss' }, environment)
}

for (const [scheme, variables] of Object.entries(order)) {
  const from = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, `socks5://${name}`]))

  test(`takes the proxy for ${scheme} from the first variable that is set`, () => {
    for (const [at, variable] of variables.entries()) {
      assert.deepEqual(found(scheme, from(variables.slice(at))), { variable, url: `socks5://${variable}` })
      assert.deepEqual(found(scheme, from([variable]))?.variable, variable)
      const empty = Object.fromEntries(variables.slice(0, at).map((name) => [name, '']))
      assert.deepEqual(found(scheme, { ...empty, ...from(variables.slice(at)) })?.variable, variable)
    }
  })

  test(`takes no proxy for ${scheme} from other variables, nor from empty ones`, () => {
    const others = new Set(Object.values(order).flat())
    for (const variable of variables) others.delete(variable)
    assert.equal(found(scheme, from([...others, 'ftp_proxy', 'PROXY', 'Http_Proxy'])), undefined)
    assert.equal(found(scheme, Object.fromEntries(variables.map((name) => [name, '']))), undefined)
    assert.equal(found(scheme, {}), undefined)
  })

  test(`has NO_PROXY except a target of ${scheme} from each variable`, () => {
    for (const variable of variables) {
      assert.equal(found(scheme, { ...from([variable]), NO_PROXY: 'a' }), undefined)
      assert.equal(found(scheme, { ...from([variable]), no_proxy: '*' }), undefined)
    }
  })
}

test('takes a proxy without a scheme for an HTTP one', () => {
  assert.equal(found('wss', { all_proxy: 'p:1' })?.url, 'http://p:1')
  assert.equal(found('ws', { ALL_PROXY: 'socks5h://u:p@p:1' })?.url, 'socks5h://u:p@p:1')
})

test('does not take HTTP_PROXY in a CGI program, where a request can set it', () => {
  const cgi = { ...http, REQUEST_METHOD: 'GET' }
  assert.equal(found('ws', cgi), undefined)
  assert.equal(found('ws', { ...cgi, http_proxy: 'http://p' })?.url, 'http://p')
  assert.equal(found('ws', { ...cgi, ALL_PROXY: 'http://p' })?.variable, 'ALL_PROXY')
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
    'a.example.',
    '.a.example.',
    '*.a.example.',
    'a.example.:80',
  ]) {
    assert.ok(isExcepted(exceptions, 'a.example'), exceptions)
    assert.ok(isExcepted(exceptions, 'b.A.example'), exceptions)
    assert.ok(isExcepted(exceptions, 'a.example.'), `${exceptions} and a name with a dot at its end`)
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

test('takes no_proxy before NO_PROXY, unless it is empty', () => {
  assert.notEqual(found('ws', { ...http, no_proxy: 'b', NO_PROXY: 'a' }), undefined)
  assert.equal(found('ws', { ...http, no_proxy: '', NO_PROXY: 'a' }), undefined)
})
