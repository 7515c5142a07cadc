import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HandshakeError } from '../../core/errors.js'
import { HeaderFields } from '../../core/http/header-fields.js'
import { checkOrigin } from './origin.js'

interface Page {
  readonly host: string
  readonly origin: string
  readonly encrypted?: boolean
  readonly allowed?: readonly string[]
}

function check({ host, origin, encrypted = false, allowed = [] }: Page): void {
  checkOrigin(new HeaderFields(['Host', host, 'Origin', origin]), encrypted, allowed)
}

/** Pages of the server's own, by RFC 6454 §4 as far as a server can tell. */
const own: readonly Page[] = [
  { host: 'example.com', origin: 'http://example.com' },
  { host: 'example.com:80', origin: 'http://example.com' },
  { host: 'example.com', origin: 'http://example.com:80' },
  { host: 'example.com:', origin: 'http://example.com' },
  { host: 'example.com:8080', origin: 'http://example.com:8080' },
  { host: 'Example.COM', origin: 'HTTP://eXample.com' },
  { host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' },
  { host: '[::1]:8080', origin: 'http://[::1]:8080' },
  { host: '[::1]', origin: 'http://[::1]' },
  { host: 'example.com', origin: 'https://example.com', encrypted: true },
  { host: 'example.com:443', origin: 'https://example.com', encrypted: true },
  { host: 'example.com:8443', origin: 'https://example.com:8443', encrypted: true },
  { host: 'example.com', origin: 'wss://example.com', encrypted: true },
  { host: 'example.com', origin: 'ws://example.com' },
  // Behind a proxy that ends TLS.
  { host: 'echo.example.com', origin: 'https://echo.example.com' },
  { host: 'echo.example.com', origin: 'https://echo.example.com:443' },
  { host: 'echo.example.com:443', origin: 'https://echo.example.com' },
  { host: 'echo.example.com:8443', origin: 'https://echo.example.com:8443' },
  // With the dot of the DNS root, which proxies remove from Host.
  { host: 'example.com.', origin: 'https://example.com.' },
  { host: 'example.com', origin: 'https://example.com.' },
  { host: 'example.com.', origin: 'https://example.com' },
  { host: 'example.com:8443', origin: 'https://example.com.:8443' },
  { host: 'localhost:8080', origin: 'http://localhost.:8080' },
]

const foreign: readonly Page[] = [
  { host: 'example.com', origin: 'https://evil.example' },
  { host: 'example.com', origin: 'http://sub.example.com' },
  { host: 'example.com', origin: 'http://example.com.evil.example' },
  { host: 'sub.example.com', origin: 'http://example.com' },
  { host: 'example.com', origin: 'http://example.com:8080' },
  { host: 'example.com', origin: 'https://example.com:8443' },
  { host: 'example.com', origin: 'https://example.com:80' },
  { host: 'example.com', origin: 'http://example.com:443' },
  { host: 'example.com:8080', origin: 'http://example.com' },
  { host: 'example.com:80', origin: 'https://example.com' },
  { host: 'example.com', origin: 'http://example.com', encrypted: true },
  // Of another scheme, though the rest is the same: extensions, files, apps.
  { host: 'example.com:8080', origin: 'chrome-extension://example.com:8080' },
  { host: 'example.com:8080', origin: 'moz-extension://example.com:8080' },
  { host: 'example.com', origin: 'chrome-extension://example.com' },
  { host: 'example.com:8080', origin: 'file://example.com:8080' },
  { host: 'example.com:8080', origin: 'app://example.com:8080' },
  { host: 'example.com:8080', origin: 'ftp://example.com:8080' },
  { host: 'example.com', origin: 'constructor://example.com' },
  { host: 'example.com', origin: '__proto__://example.com' },
  { host: 'example.com', origin: 'null' },
  { host: 'example.com', origin: 'file://' },
  { host: '', origin: 'file://' },
  { host: 'example.com', origin: 'https://example.com..' },
  { host: 'example.com', origin: 'https://evil.example.' },
  // Without the dot, a name of one label may be another host, of the local network.
  { host: 'ai', origin: 'http://ai.' },
  { host: '', origin: 'http://' },
  { host: 'example.com', origin: '' },
  { host: 'example.com', origin: '//example.com' },
  { host: 'example.com', origin: 'example.com' },
  // No browser writes one so.
  { host: 'example.com', origin: 'http://example.com/' },
  { host: 'example.com', origin: 'http://evil.example@example.com' },
  { host: 'evil.example@example.com', origin: 'http://evil.example@example.com' },
  { host: 'example.com', origin: 'http://example.com, http://evil.example' },
  { host: 'example.com', origin: 'http://example.com://example.com' },
]

describe('checkOrigin, RFC 6455 §10.2', () => {
  for (const page of own) {
    it(`takes ${page.origin} at ${page.host}${page.encrypted ? ' under TLS' : ''}`, () => check(page))
  }

  for (const page of foreign) {
    it(`refuses ${page.origin} at ${page.host}${page.encrypted ? ' under TLS' : ''}, and names the option`, () => {
      assert.throws(
        () => check(page),
        (error) =>
          error instanceof HandshakeError &&
          error.code === 'originForbidden' &&
          /the option origin/.test(error.message),
      )
    })
  }

  it('takes what the list has, as it stands there', () => {
    check({ host: 'example.com', origin: 'chrome-extension://abc', allowed: ['chrome-extension://abc'] })
    check({ host: 'example.com', origin: 'null', allowed: ['null'] })
    assert.throws(() => check({ host: 'example.com', origin: 'null', allowed: ['http://null'] }))
  })

  it('takes a client that sends no Origin', () => checkOrigin(new HeaderFields(['Host', 'example.com']), false, []))
})
