import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asTransportError, HandshakeError, ProtocolError, TransportError, UsageError } from './errors.js'
import { notSwitched } from './handshake/client-handshake.js'

const hostile = '\u001b]52;c;eA==\u0007\u009b2J\u202e\u2028\u200b\r\n\ud800'
const harmless = '\\u{1b}]52;c;eA==\\u{7}\\u{9b}2J\\u{202e}\\u{2028}\\u{200b}\\u{d}\\u{a}\\u{d800}'

describe('the text of an error', () => {
  for (const [what, make] of Object.entries({
    HandshakeError: (detail: string) => new HandshakeError('statusNot101', detail),
    ProtocolError: (detail: string) => new ProtocolError('textNotUtf8', detail),
    TransportError: (detail: string) => new TransportError(detail),
    UsageError: (detail: string) => new UsageError('optionInvalid', detail),
    'a TransportError of the system': (detail: string) => asTransportError(new Error(detail)),
    'a refusal with a status': (reason: string) =>
      notSwitched({ version: '1.1', status: 403, reason, fields: [] }, 'it redirects'),
  } satisfies Record<string, (detail: string) => Error>)) {
    it(`is printable and of bounded length with any content: ${what}`, () => {
      const error = make(hostile)
      assert.ok(error.message.includes(harmless), error.message)
      assert.doesNotMatch(error.stack!.split('\n    at ')[0]!, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}]/u)
      assert.ok(make('x'.repeat(1_000_000)).message.length < 3000)
      // The text may pass through another error, and must be escaped once.
      assert.ok(make(harmless).message.length <= make(hostile).message.length + 8 * 8)
    })
  }

  it('distinguishes an escape from the same characters sent by a peer', () => {
    const typed = notSwitched({ version: '1.1', status: 403, reason: '\\u{1b}', fields: [] }).message
    const sent = notSwitched({ version: '1.1', status: 403, reason: '\u001b', fields: [] }).message
    assert.match(typed, /403 \\u\{5c\}u\{1b\} \(/)
    assert.match(sent, /403 \\u\{1b\} \(/)
  })

  it('of a refusal has the first line of a plain text, printable and of at most 200 characters', () => {
    const messageOf = (text: string, type = 'text/plain; charset=utf-8') =>
      notSwitched({ version: '1.1', status: 403, reason: 'Forbidden', fields: ['Content-Type', type] }, '', { text })
        .message
    const start = 'the server did not switch to WebSocket: 403 Forbidden'
    const end = ' (RFC 6455 §4.1)'
    assert.equal(messageOf('not from there\n'), `${start}, "not from there"${end}`)
    assert.equal(messageOf('\r\n not from there \r\nand more'), `${start}, "not from there"${end}`)
    assert.equal(messageOf(' \n'), start + end)
    assert.equal(messageOf('<!DOCTYPE html>', 'text/html'), start + end)
    assert.equal(messageOf(hostile), `${start}, "${harmless.replace('\\u{d}\\u{a}\\u{d800}', '')}"${end}`)
    assert.equal(messageOf('x'.repeat(70_000)), `${start}, "${'x'.repeat(200)}… and 69800 more characters"${end}`)
  })
})
