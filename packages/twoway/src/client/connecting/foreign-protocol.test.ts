import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeForeign } from './foreign-protocol.js'

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')

describe('an answer that is not HTTP/1.1', () => {
  for (const [name, bytes] of [
    ['HTTP/2', '\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80'],
    ['HTTP/2', '\0\0\x08\x07\0\0\0\0\0\0\0\0\0'],
    ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['VNC', 'RFB 003.008\n'],
    ['AMQP', 'AMQP\0\0\x09\x01'],
    ['POP3', '+OK POP3 server ready\r\n'],
    ['IMAP', '* OK [CAPABILITY IMAP4rev1] ready\r\n'],
    ['SMTP or FTP', '220 mail.example ESMTP\r\n'],
    ['SMTP or FTP', '500 unknown command\r\n'],
    ['Redis', "-ERR wrong number of arguments for 'get' command\r\n"],
    ['Redis', '-DENIED Redis is running in protected mode\r\n'],
    ['Memcached', 'ERROR\r\n'],
    ['MySQL', '\x4a\0\0\0\x0a8.0.36\0'],
  ] as const) {
    it(`is ${name} if it begins with ${JSON.stringify(bytes)}`, () => {
      const sentence = describeForeign(latin1(bytes), false)
      assert.ok(sentence.startsWith(`the server speaks ${name} here, not HTTP/1.1; it begins with "`), sentence)
      assert.doesNotMatch(sentence, /\p{Cc}/u)
    })
  }

  it('is TLS if it begins with an alert or a handshake, but not within TLS', () => {
    for (const bytes of ['\x15\x03\x01\0\x02\x02F', '\x16\x03', '\x15']) {
      assert.match(describeForeign(latin1(bytes), false), /^the server speaks TLS here: connect by wss:/)
      assert.match(describeForeign(latin1(bytes), true), /^it begins with "\\u\{1/)
    }
  })

  it('is quoted if the protocol is unknown', () => {
    assert.equal(
      describeForeign(latin1('hello\u001b[2J\u009b\r\nworld'), false),
      'it begins with "hello\\u{1b}[2J\\u{9b}"',
    )
  })
})
