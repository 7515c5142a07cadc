import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransportError } from '../../../core/errors.js'
import { readProxyAddress } from './proxy-address.js'

test('reads scheme, host, port, user and password, with the usual ports', () => {
  const none = undefined
  for (const [text, scheme, host, port, credentials] of [
    ['http://proxy.example', 'http', 'proxy.example', 80, none],
    ['https://proxy.example/', 'https', 'proxy.example', 443, none],
    ['socks5://proxy.example', 'socks5', 'proxy.example', 1080, none],
    ['socks5h://proxy.example:80', 'socks5h', 'proxy.example', 80, none],
    ['https://proxy.example:80', 'https', 'proxy.example', 80, none],
    ['HTTP://PROXY.example:3128/', 'http', 'proxy.example', 3128, none],
    ['http://[::1]:3128', 'http', '::1', 3128, none],
    ['socks5://[::1]', 'socks5', '::1', 1080, none],
    ['http://us%40er:p%3Aw%C3%B6@127.0.0.1:1', 'http', '127.0.0.1', 1, { user: 'us@er', password: 'p:wö' }],
    ['socks5h://user@127.0.0.1', 'socks5h', '127.0.0.1', 1080, { user: 'user', password: '' }],
  ] as const) {
    assert.deepEqual(readProxyAddress(text, 'x'), { scheme, host, port, credentials })
  }
})

test('names whence a text comes that is no URL of a proxy, and does not repeat it', () => {
  for (const text of [
    '',
    'proxy',
    'ftp://secret',
    'http://',
    'http://secret/path',
    'http://a:b:c',
    'http://%zz@secret',
  ]) {
    assert.throws(
      () => readProxyAddress(text, 'the environment variable HTTP_PROXY'),
      (error) =>
        error instanceof TransportError &&
        error.message.startsWith('the environment variable HTTP_PROXY is not the URL of a proxy') &&
        !error.message.includes('secret'),
      text,
    )
  }
})
