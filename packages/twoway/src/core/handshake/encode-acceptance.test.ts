import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import { UsageError } from '../errors.js'
import { accept, encodeAcceptance } from './encode-acceptance.js'

const acceptance = { key: 'dGhlIHNhbXBsZSBub25jZQ==', protocol: '', extensions: undefined, fields: [] }

test('accepts the example, §1.3', () => {
  const bytes = encodeAcceptance({ ...acceptance, protocol: 'chat', extensions: 'a; b', fields: ['Set-Cookie', 'c=d'] })
  assert.equal(
    Buffer.from(bytes).toString('latin1'),
    [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      'Sec-WebSocket-Protocol: chat',
      'Sec-WebSocket-Extensions: a; b',
      'Set-Cookie: c=d',
      '\r\n',
    ].join('\r\n'),
  )
})

test('names no subprotocol and no extension if there is none, §4.2.2', () => {
  const [, ...lines] = Buffer.from(encodeAcceptance(acceptance)).toString('latin1').trimEnd().split('\r\n')
  assert.deepEqual(
    lines.map((line) => line.split(':')[0]),
    ['Upgrade', 'Connection', 'Sec-WebSocket-Accept'],
  )
})

/** Keeps written bytes until the network takes them, as the port allows. */
class KeepingTransport extends RecordingTransport {
  readonly kept: Uint8Array[] = []

  override write(bytes: Uint8Array): void {
    super.write(bytes)
    this.kept.push(bytes)
  }
}

test('writes the right answer, with and without fields besides the accept key', () => {
  for (const more of [{}, { protocol: 'chat' }, { extensions: 'a; b' }, { fields: ['Set-Cookie', 'c=d'] }, {}]) {
    const transport = new RecordingTransport()
    accept(transport, { ...acceptance, ...more })
    assert.deepEqual(transport.writes, [new Uint8Array(encodeAcceptance({ ...acceptance, ...more }))])
  }
})

test('does not change an answer that the network has not taken', () => {
  const keys = ['dGhlIHNhbXBsZSBub25jZQ==', 'AQIDBAUGBwgJCgsMDQ4PEA==', 'x3JJHMbDL1EzLkh9GBhXDw==']
  for (const extensions of [undefined, 'x-kept']) {
    accept(new RecordingTransport(), { ...acceptance, extensions })
    const transport = new KeepingTransport()
    transport.isFull = true
    for (const key of keys) accept(transport, { ...acceptance, extensions, key })
    assert.deepEqual(
      transport.kept,
      keys.map((key) => encodeAcceptance({ ...acceptance, extensions, key })),
    )
  }
})

const unfit = [
  ['Upgrade', 'h2c'],
  ['connection', 'close'],
  ['Sec-WebSocket-Accept', 'a'],
  ['Sec-WebSocket-Protocol', 'a'],
  ['sec-websocket-extensions', 'a'],
  ['Content-Length', '0'],
  ['Transfer-Encoding', 'chunked'],
  ['X', 'a\r\nSet-Cookie: b'],
  ['X Y', 'a'],
]

for (const fields of unfit) {
  test(`refuses to accept with the field ${JSON.stringify(fields)}`, () => {
    const isHeaderInvalid = (error: unknown) => error instanceof UsageError && error.code === 'headerInvalid'
    assert.throws(() => encodeAcceptance({ ...acceptance, fields }), isHeaderInvalid)
  })
}
