import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../../core/errors.js'
import { clientTable } from '../client-options.js'
import type { WebSocketOptions } from '../websocket/websocket-types.js'
import { settleClient } from './client-settings.js'
import { foreignClientOptions } from './foreign-options.js'

const wrong: { readonly [name in keyof Required<WebSocketOptions>]: readonly unknown[] } = {
  protocols: [5, null, {}],
  headers: ['X-A: b', 5, null, [['one']], ['ab']],
  origin: [5, null],
  ca: ['', 5, null, ['', 'x'], {}],
  userAgent: [5, null],
  cert: ['', 5, null, [''], {}],
  key: ['', 5, null, [''], { pem: 'a' }, [{ pem: '' }], [{ pem: 'a', passphrase: 5 }], [{ buf: 'a' }]],
  passphrase: [5, null, new Uint8Array(1)],
  pfx: ['', 5, null, [''], { buf: 'a' }, [{ buf: '' }], [{ buf: 'a', passphrase: 5 }], [{ pem: 'a' }]],
  checkServerIdentity: [5, null, {}],
  minVersion: ['', 'TLSv1.4', 'tlsv1.2', 1.2, null],
  maxVersion: ['', 'TLSv1.4', 'tlsv1.2', 1.2, null],
  ciphers: ['', 5, null, ['AES']],
  lookup: [5, null, {}, '127.0.0.1'],
  family: [5, '4', null],
  localAddress: ['', 'localhost', 5, null],
  localPort: [0, -1, 1.5, 65_536, '5', null],
  createConnection: [5, null, {}],
  servername: ['', 5, '127.0.0.1', '::1'],
  rejectUnauthorized: [0, 'false', null],
  proxy: [
    ...['', 'localhost:3128', 'ftp://localhost', 'http://', 'http://localhost/path', 'http://localhost?a', 'Env'],
    ...['socks4://localhost', new URL('http://localhost'), null],
  ],
  signal: [{}, 5, null, 'aborted'],
  perMessageDeflate: ['true', 5, null, [], [true]],
  handshakeTimeoutMs: [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null],
  closeTimeoutMs: [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null],
  maxMessageBytes: [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null, 2 ** 29],
  maxHeadBytes: [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null],
  maxHeaderFields: [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null],
  maxRefusalBodyBytes: [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null],
  refusalBodyTimeoutMs: [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null],
  maxRedirects: [-1, 1.5, Number.NaN, 11, '5', null],
}

for (const [name, values] of Object.entries(wrong)) {
  test(`names the option ${name} and what it must be, if its value is of another kind`, () => {
    for (const value of values) {
      assert.throws(
        () => settleClient({ [name]: value }),
        (error) =>
          error instanceof UsageError &&
          error.code === 'optionInvalid' &&
          error.message.startsWith(`the option ${name} must be `),
        `${name}: ${String(value)}`,
      )
    }
  })
}

test('names an unknown option, and those that exist', () => {
  assert.throws(() => settleClient({ retries: 5 } as WebSocketOptions), {
    code: 'optionInvalid',
    message:
      /^there is no option "retries" of a WebSocket: the options are protocols, headers, .*refusalBodyTimeoutMs$/,
  })
  assert.throws(() => settleClient({ toString: 5 } as unknown as WebSocketOptions), { code: 'optionInvalid' })
})

/** Options of `ws`, undici, Node's http and Bun, each with the words that the advice must have. */
const foreign: Readonly<Record<string, string>> = {
  agent: 'createConnection',
  dispatcher: 'createConnection',
  httpsAgent: 'proxy',
  maxPayload: 'maxMessageBytes',
  handshakeTimeout: 'handshakeTimeoutMs',
  timeout: 'handshakeTimeoutMs',
  closeTimeout: 'closeTimeoutMs',
  followRedirects: 'maxRedirects',
  auth: 'Authorization',
  tls: 'rejectUnauthorized',
  protocol: 'protocols',
  protocolVersion: '13',
  extraHeaders: 'headers',
  compression: 'perMessageDeflate',
  socketPath: 'ws+unix:',
  port: 'URL',
  skipUTF8Validation: 'leave it out',
  autoPong: 'leave it out',
  generateMask: 'leave it out',
  finishRequest: 'headers',
}

for (const [name, words] of Object.entries(foreign)) {
  test(`names the replacement of the option ${name} of other libraries`, () => {
    const isExplained = (error: unknown): boolean =>
      error instanceof UsageError &&
      error.message.startsWith(`there is no option "${name}" of a WebSocket: `) &&
      error.message.includes(words)
    assert.throws(() => settleClient({ [name]: 5 } as WebSocketOptions), isExplained)
  })
}

test('gives advice only for names that are no options, and the advice names only options', () => {
  for (const [name, advice] of Object.entries(foreignClientOptions)) {
    assert.ok(!(name in clientTable), name)
    for (const [option = ''] of advice.matchAll(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g)) {
      assert.ok(option in clientTable || option === 'callback', `${name}: ${option}`)
    }
  }
})

test('takes cert and key only together', () => {
  for (const options of [{ cert: 'a' }, { key: 'a' }]) {
    assert.throws(() => settleClient(options), { code: 'optionInvalid', message: /cert and key belong together/ })
  }
})

test('takes a proxy or a connection of the caller’s own, not both', () => {
  assert.throws(() => settleClient({ proxy: 'env', createConnection: () => {} }), {
    code: 'optionInvalid',
    message: /createConnection and proxy exclude each other/,
  })
})

test('does not repeat a key, a passphrase or a password', () => {
  const secrets: readonly object[] = [
    { proxy: 'ftp://user:secret@localhost' },
    { key: [{ pem: 'a', passphrase: 5 }, 'secret'] },
    { key: { pem: 'secret' } },
    { passphrase: ['secret'] },
    { pfx: { buf: 'secret' } },
    { pfx: ['secret', 5] },
  ]
  for (const options of secrets) {
    assert.throws(
      () => settleClient(options),
      (error) => error instanceof UsageError && !error.message.includes('secret'),
    )
  }
})

test('takes valid values, and ignores undefined ones', () => {
  const settings = settleClient({
    protocols: new Set(['a']) as unknown as string[],
    headers: new Map([['X-A', 'b']]),
    ca: ['PEM', new Uint8Array(1)],
    cert: 'PEM',
    key: new Uint8Array(1),
    proxy: 'SOCKS5h://user:password@[::1]:1080/',
    maxRedirects: 0,
    origin: undefined,
    pfx: [{ buf: new Uint8Array(1), passphrase: 'a' }],
    minVersion: 'TLSv1.2',
    family: 0,
    localAddress: '::1',
    maxHeadBytes: 100,
  })
  assert.deepEqual(settings.tls, {
    ca: ['PEM', new Uint8Array(1)],
    cert: 'PEM',
    key: new Uint8Array(1),
    pfx: [{ buf: new Uint8Array(1), passphrase: 'a' }],
    minVersion: 'TLSv1.2',
  })
  assert.deepEqual(settings.local, { family: 0, localAddress: '::1' })
  assert.deepEqual(settings.fields, ['X-A', 'b'])
  assert.equal(settings.maxRedirects, 0)
  const { url, ca, limits } = settings.proxy!
  assert.deepEqual([url, ca], ['SOCKS5h://user:password@[::1]:1080/', ['PEM', new Uint8Array(1)]])
  assert.equal(limits?.maxHeadBytes, 100)
  const pairs = (function* () {
    yield ['X-A', 'b'] as const
    yield ['X-A', 'c'] as const
  })()
  assert.deepEqual(settleClient({ headers: pairs }).fields, ['X-A', 'b', 'X-A', 'c'])
  assert.deepEqual(settleClient({ headers: { a: 'b' } }).fields, ['a', 'b'])
  assert.deepEqual(settleClient({ headers: { a: ['b', 'c'], d: [] } }).fields, ['a', 'b', 'a', 'c'])
  assert.deepEqual(settleClient({ headers: new Headers({ a: 'b' }) }).fields, ['a', 'b'])
})

test('has defaults', () => {
  const { limits, proxy, maxRedirects, fields } = settleClient({})
  assert.deepEqual([limits.handshakeTimeoutMs, limits.closeTimeoutMs], [10_000, 5_000])
  assert.equal(limits.maxMessageBytes, 16 << 20)
  assert.deepEqual([limits.maxHeadBytes, limits.maxHeaderFields], [64 << 10, 1000])
  assert.deepEqual([limits.maxRefusalBodyBytes, limits.refusalBodyTimeoutMs], [64 << 10, 1000])
  assert.deepEqual([proxy, maxRedirects, fields], [undefined, 0, []])
})
