import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HeadLimits, RequestHead, ResponseHead } from '../../ports/http-host.js'
import { HandshakeError } from '../errors.js'
import { type HeadForm, requestForm, responseForm } from './head-form.js'
import { HeadParser } from './head-parser.js'

const limits: HeadLimits = { maxHeadBytes: 1024, maxHeaderFields: 5 }
const request =
  'GET /chat?a=b HTTP/1.1\r\nHost: a.example\r\nX-Empty:\r\nX-Text:\t caf\xe9\t; x \t\r\nx-text: : \r\n\r\n'
const response = 'HTTP/1.1 101 Switching  Protocols\r\nUpgrade: websocket\r\n\r\n'
const requestHead: RequestHead = {
  method: 'GET',
  target: '/chat?a=b',
  version: '1.1',
  fields: ['Host', 'a.example', 'X-Empty', '', 'X-Text', 'caf\xe9\t; x', 'x-text', ':'],
}
const responseHead: ResponseHead = {
  version: '1.1',
  status: 101,
  reason: 'Switching  Protocols',
  fields: ['Upgrade', 'websocket'],
}

const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 })

/**
 * Feeds pieces of the given sizes in turn, each in its own buffer that is overwritten afterwards; returns the number of
 * bytes read.
 */
function feed(parser: HeadParser<unknown>, bytes: Uint8Array, sizes: readonly number[]): number {
  let at = 0
  for (let turn = 0; at < bytes.length; turn++) {
    const end = Math.min(bytes.length, at + sizes[turn % sizes.length]!)
    const around = Uint8Array.of(0, ...bytes.subarray(at, end), 0)
    const read = parser.receive(around, 1, around.length - 1)
    around.fill(0)
    if (read < end - at) return at + read
    at = end
  }
  return at
}

function parse<Head>(form: HeadForm<Head>, text: string, sizes: readonly number[] = [text.length], within = limits) {
  const parser = new HeadParser(form, within)
  const bytes = feed(parser, Buffer.from(text, 'latin1'), sizes)
  assert.equal(parser.bytesRead, bytes)
  return { head: parser.head, rest: text.slice(bytes) }
}

test('reads a head however it is split and leaves the bytes behind it, RFC 9112 §2', () => {
  fc.assert(
    fc.property(fc.oneof(fc.constant([1]), fc.constant([2048]), cuts), (sizes) => {
      assert.deepEqual(parse(requestForm, `${request}\x81\x00`, sizes), { head: requestHead, rest: '\x81\x00' })
      assert.deepEqual(parse(responseForm, `${response}\x81\x00`, sizes), { head: responseHead, rest: '\x81\x00' })
    }),
  )
})

test('has no head before its empty line has ended', () => {
  for (let length = 0; length < request.length; length++) {
    assert.equal(parse(requestForm, request.slice(0, length)).head, undefined)
  }
})

test('reads nothing once it has the head', () => {
  const parser = new HeadParser(requestForm, limits)
  feed(parser, Buffer.from(request, 'latin1'), [1])
  assert.equal(parser.receive(Uint8Array.of(0, 0), 0, 2), 0)
})

test('skips empty lines before a request, RFC 9112 §2.2, and not before a response', () => {
  assert.deepEqual(parse(requestForm, `\r\n\r\n${request}`).head, requestHead)
  assert.throws(() => parse(responseForm, `\r\n${response}`), { code: 'responseMalformed' })
})

const goodStatusLines: Record<string, Partial<ResponseHead>> = {
  'HTTP/1.0 200 OK': { version: '1.0', status: 200, reason: 'OK' },
  'HTTP/1.1 404 ': { status: 404, reason: '' },
  'HTTP/1.1 404': { status: 404, reason: '' },
  'HTTP/1.1 999 \xe9\t': { status: 999, reason: '\xe9\t' },
}

for (const [line, expected] of Object.entries(goodStatusLines)) {
  test(`reads the status line "${line}", RFC 9112 §4`, () => {
    const { head } = parse(responseForm, `${line}\r\n\r\n`)
    assert.deepEqual(head, { version: '1.1', fields: [], ...expected })
  })
}

const malformedRequestLines = [
  'GET  / HTTP/1.1',
  'GET /  HTTP/1.1',
  // A proxy's rule for /metrics would not see it.
  'GET /x\\..\\metrics HTTP/1.1',
  'GET / HTTP/1.1 ',
  ' GET / HTTP/1.1',
  'GET /\tHTTP/1.1',
  'GET / a HTTP/1.1',
  'GET HTTP/1.1',
  'GET /',
  'G@T / HTTP/1.1',
  'GET /\xe9 HTTP/1.1',
  'GET / http/1.1',
  'GET / HTTP/0.9',
  'GET / HTTP/1.2',
  'GET / HTTP/2.0',
  'GET / HTTP/1.10',
  'GET / HTTP/01.1',
  'GET / HTTP/1',
]

for (const line of malformedRequestLines) {
  test(`refuses the request line ${JSON.stringify(line)}, RFC 9112 §3`, () => {
    assert.throws(() => parse(requestForm, `${line}\r\n`), { code: 'requestMalformed', message: /first line/ })
  })
}

const malformedStatusLines = [
  'HTTP/1.1  101 a',
  ' HTTP/1.1 101 a',
  'HTTP/1.1 10 a',
  'HTTP/1.1 1010 a',
  'HTTP/1.1 +10 a',
  'HTTP/1.1 10a',
  'HTTP/1.1 101a',
  'HTTP/1.1\t101 a',
  'HTTP/2 101 a',
  'HTTP/1.2 101 a',
  'ICY 200 OK',
]

for (const line of malformedStatusLines) {
  test(`refuses the status line ${JSON.stringify(line)}, RFC 9112 §4`, () => {
    assert.throws(() => parse(responseForm, `${line}\r\n`), { code: 'responseMalformed', message: /first line/ })
  })
}

const malformedFields: Record<string, string> = {
  'a bare line feed': 'Host: a\n',
  'a bare carriage return': 'Host: a\rb\r\n',
  'two carriage returns': 'Host: a\r\r\n',
  'a fold, RFC 9112 §5.2': 'Host: a\r\n b\r\n',
  'a fold by a tab, RFC 9112 §5.2': 'Host: a\r\n\tb: c\r\n',
  'white space before the colon, RFC 9112 §5.1': 'Host : a\r\n',
  'white space before the name': ' Host: a\r\n',
  'a name that is no token, RFC 9110 §5.1': 'Ho(st: a\r\n',
  'a name outside ASCII': 'H\xf6st: a\r\n',
  'an empty name': ': a\r\n',
  'a line without a colon': 'Host\r\n',
}

for (const [what, lines] of Object.entries(malformedFields)) {
  test(`refuses ${what}`, () => {
    for (const sizes of [[2048], [1]]) {
      assert.throws(() => parse(requestForm, `GET / HTTP/1.1\r\n${lines}`, sizes), { code: 'requestMalformed' })
      assert.throws(() => parse(responseForm, `HTTP/1.1 101 a\r\n${lines}`, sizes), { code: 'responseMalformed' })
    }
  })
}

test('refuses every control byte except the tab at once, RFC 9110 §5.5', () => {
  const controls = [...Array(32).keys(), 127].filter((byte) => byte !== 9 && byte !== 10 && byte !== 13)
  for (const byte of controls) {
    const character = String.fromCharCode(byte)
    for (const before of ['', 'GET /', 'GET / HTTP/1.1\r\nHo', 'GET / HTTP/1.1\r\nHost: a']) {
      assert.throws(() => parse(requestForm, before + character), {
        code: 'requestMalformed',
        message: new RegExp(`byte ${before.length + 1} `),
      })
    }
  }
})

test('accepts a head of exactly maxHeadBytes, and refuses one more byte before the head is complete', () => {
  const within = { ...limits, maxHeadBytes: request.length }
  assert.deepEqual(parse(requestForm, request, [7], within).head, requestHead)
  const less = { ...limits, maxHeadBytes: request.length - 1 }
  assert.throws(() => parse(requestForm, request, [7], less), { code: 'requestHeadTooLong', status: 431 })
  assert.throws(() => parse(responseForm, `HTTP/1.1 101 ${'a'.repeat(2000)}`), { code: 'responseHeadTooLong' })
  assert.throws(() => parse(requestForm, '\r\n'.repeat(513)), { code: 'requestHeadTooLong' })
})

test('reads a line of any length within the limit', () => {
  const value = Array.from({ length: 900 }, (_, at) => at % 10).join('')
  for (const sizes of [[2048], [1], [300]]) {
    assert.equal(parse(requestForm, `GET / HTTP/1.1\r\nX: ${value}\r\n\r\n`, sizes).head?.fields[1], value)
  }
})

test('accepts maxHeaderFields fields and refuses one more', () => {
  const head = (fields: number) => `GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(fields)}\r\n`
  assert.equal(parse(requestForm, head(5)).head?.fields.length, 10)
  assert.throws(() => parse(requestForm, head(6)), { code: 'requestHeadTooLong' })
})

const bytesOfHeads = fc.constantFrom(...Buffer.from(' \t\r\n:/1.HTPa\x00\x7f\xff'))
const mutations = fc.array(fc.tuple(fc.nat(200), fc.constantFrom('set', 'insert', 'drop'), bytesOfHeads), {
  maxLength: 4,
})

function mutated(text: string, changes: readonly (readonly [number, string, number])[]): Uint8Array {
  const bytes = [...Buffer.from(text, 'latin1')]
  for (const [index, change, byte] of changes) {
    bytes.splice(index % bytes.length, change === 'insert' ? 0 : 1, ...(change === 'drop' ? [] : [byte]))
  }
  return Uint8Array.from(bytes)
}

/** The parsed head, or the code of the HandshakeError. Rethrows other errors. */
function outcome<Head>(form: HeadForm<Head>, bytes: Uint8Array, sizes: readonly number[]): Head | string | undefined {
  const parser = new HeadParser(form, { maxHeadBytes: 100, maxHeaderFields: 3 })
  try {
    feed(parser, bytes, sizes)
    return parser.head
  } catch (error) {
    if (error instanceof HandshakeError) return `${error.code} ${error.message}`
    throw error
  }
}

test('throws only HandshakeErrors for any input, and the same however it is split', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(bytesOfHeads, { maxLength: 200 }).map((bytes) => Uint8Array.from(bytes)),
    mutations.map((changes) => mutated(request, changes)),
    mutations.map((changes) => mutated(response, changes)),
  )
  const property = fc.property(anything, cuts, (bytes, sizes) => {
    assert.deepEqual(outcome(requestForm, bytes, sizes), outcome(requestForm, bytes, [1000]))
    assert.deepEqual(outcome(responseForm, bytes, sizes), outcome(responseForm, bytes, [1000]))
  })
  fc.assert(property, { numRuns: 2000 })
})
