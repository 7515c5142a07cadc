import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { destinationOf } from './destination.js'
import { redactUrl } from './redact-url.js'
import { checkProtocols } from './subprotocols.js'
import { parseWebSocketUrl } from './url.js'

/** Ways to write a URL, right and wrong, with secrets in it: each `S` that stands alone. */
const forms = [
  'ws://S:S@host/#',
  'ws://S@host/#x',
  'ws://user:S@host:port/',
  'ftp://user:S@host/',
  'user:S@host',
  'ws://user:pa/S@host:port/',
  'ws://user:pa#S@host:port/',
  'ws://user:pa?S@host:port/',
  'ws://user:p@S@host:port/',
  ' ws:\\\\user:S@host:port',
  'ws:/user:S@[host',
  'ftp://host/?token=S',
  'ws://host/?token=S#fragment',
  'ws://host:port/?token=a@S',
  'ws://host/#token=S',
  'ws+unix://user:S@host/path',
  'ws+unix:relative?token=S',
  'https://user:S@[::1/',
]

describe('an error that refuses a URL', () => {
  for (const form of forms) {
    it(`repeats no secret of ${form}`, () => {
      const text = form.replaceAll('S', 'hunter2')
      assert.throws(
        () => destinationOf(parseWebSocketUrl(text)),
        (error: DOMException) => {
          assert.equal(error.name, 'SyntaxError')
          assert.doesNotMatch(error.message, /hunter2/)
          return true
        },
      )
    })
  }

  it('names the harmless parts: scheme, host and path', () => {
    assert.equal(redactUrl('ftp://host:21/path'), 'ftp://host:21/path')
    assert.equal(redactUrl('ftp://user:password@host/path?token=1'), 'ftp://…@host/path?…')
    assert.equal(redactUrl('ws://host/path#top'), 'ws://host/path#…')
    assert.throws(
      () => parseWebSocketUrl('ftp://x/'),
      /the scheme of "ftp:\/\/x\/" must be ws, wss, http or https, not ftp:/,
    )
  })

  it('is printable and short, whatever it repeats', () => {
    assert.equal(redactUrl('ws://\u001b[2J\u202e'), 'ws://\\u{1b}[2J\\u{202e}')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 5000 }), (text) => {
        assert.doesNotMatch(redactUrl(text), /[\p{Cc}\p{Cf}\p{Cs}]/u)
        assert.ok(redactUrl(text).length < 2000)
      }),
    )
  })
})

describe('an error that refuses a subprotocol', () => {
  it('does not repeat it, as it may be the token of a login', () => {
    for (const [protocols, sentence] of [
      [['chat', 'Bearer hunter2'], 'subprotocol 2 is not a token: its character 7 is U+0020'],
      ['hunter2=', 'subprotocol 1 is not a token: its character 8 is U+003D'],
      ['', 'subprotocol 1 is not a token: it is empty'],
    ] as const) {
      assert.throws(() => checkProtocols(protocols), { name: 'SyntaxError', message: sentence })
    }
  })
})
