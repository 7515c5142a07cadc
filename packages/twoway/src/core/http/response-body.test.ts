import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inEveryCut } from 'twoway-testing/cuts.js'
import { ResponseBody } from './response-body.js'

interface Expected {
  readonly text: string
  readonly isDone: boolean
}

/** Feeds bytes to the body of a response with these fields, split in every way. */
function reads(bytes: string, fields: readonly string[], expected: Expected, { status = 403, maxBytes = 64 } = {}) {
  inEveryCut(Buffer.from(bytes, 'latin1'), (feed) => {
    const body = new ResponseBody({ version: '1.1', status, reason: '', fields }, maxBytes)
    feed((piece) => body.receive(piece, 0, piece.length))
    assert.deepEqual({ text: Buffer.from(body.bytes).toString('latin1'), isDone: body.isDone }, expected)
  })
}

const chunked = ['Transfer-Encoding', 'chunked']

test('ends after Content-Length bytes, RFC 9112 §6.3 (6)', () => {
  reads('hello, more', ['Content-Length', '5'], { text: 'hello', isDone: true })
  reads('hel', ['Content-Length', '5'], { text: 'hel', isDone: false })
  reads('more', ['Content-Length', '0'], { text: '', isDone: true })
})

test('reads to the end of the connection without a valid length, RFC 9112 §6.3 (8)', () => {
  reads('hello', [], { text: 'hello', isDone: false })
  reads('hello', ['Content-Length', '-1'], { text: 'hello', isDone: false })
  reads('hello', ['Content-Length', '2', 'Content-Length', '3'], { text: 'hello', isDone: false })
  reads('hello', ['Transfer-Encoding', 'gzip', 'Content-Length', '2'], { text: 'hello', isDone: false })
})

test('reads no body with the statuses 204 and 304, RFC 9112 §6.3 (1)', () => {
  for (const status of [204, 304]) reads('more', [], { text: '', isDone: true }, { status })
})

test('decodes chunks, ignores their extensions, and ends with the last chunk, RFC 9112 §7.1', () => {
  const text = '5\r\nhello\r\nA;name="value"\r\n, chunked!\r\n00\r\nTrailer: x\r\n\r\nmore'
  reads(text, chunked, { text: 'hello, chunked!', isDone: true })
  reads(text, [...chunked, 'Content-Length', '3'], { text: 'hello, chunked!', isDone: true })
  reads('5\r\nhel', chunked, { text: 'hel', isDone: false })
})

test('ends at an invalid chunk', () => {
  for (const broken of ['x\r\nhello', '\r\nhello', '5\nhello', '-5\r\nhello', '123456789\r\nhello']) {
    reads(`2\r\nab\r\n${broken}`, chunked, { text: 'ab', isDone: true })
  }
  reads('2\r\nabXX3\r\nabc', chunked, { text: 'ab', isDone: true })
  reads(`2\r\nab\r\n${'0'.repeat(300)}`, chunked, { text: 'ab', isDone: true })
})

test('keeps maxBytes and is done then', () => {
  reads('hello', [], { text: 'hel', isDone: true }, { maxBytes: 3 })
  reads('hello', ['Content-Length', '1000000'], { text: 'hel', isDone: true }, { maxBytes: 3 })
  reads('5\r\nhello\r\n', chunked, { text: 'hel', isDone: true }, { maxBytes: 3 })
  reads('x'.repeat(3000), [], { text: 'x'.repeat(2500), isDone: true }, { maxBytes: 2500 })
})

test('never throws, and never keeps more than maxBytes', () => {
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('0123456789abcdef\r\n;')))
  const property = fc.property(fc.array(byte, { maxLength: 200 }), fc.boolean(), (bytes, isChunked) => {
    const fields = isChunked ? chunked : []
    const body = new ResponseBody({ version: '1.1', status: 500, reason: '', fields }, 50)
    body.receive(Uint8Array.from(bytes), 0, bytes.length)
    assert.ok(body.bytes.length <= 50)
  })
  fc.assert(property, { numRuns: 1000 })
})
