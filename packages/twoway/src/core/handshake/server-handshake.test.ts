import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HandshakeError, type RequestViolationCode, violations } from '../errors.js'
import { encodeResponse } from '../http/encode-response.js'
import { requestForm, responseForm } from '../http/head-form.js'
import { HeadParser } from '../http/head-parser.js'
import { HeaderFields } from '../http/header-fields.js'
import { serverLimits } from '../limits.js'
import type { ClientOffer } from './client-offer.js'
import { checkRequest, refusalOf } from './server-handshake.js'

/** The request of §1.2. */
const example = `GET /chat HTTP/1.1
Host: server.example.com
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Origin: http://example.com
Sec-WebSocket-Protocol: chat, superchat
Sec-WebSocket-Version: 13

`

/** Reads a request whose lines end with a line feed only here. */
function read(text: string): ClientOffer {
  const bytes = Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1')
  const parser = new HeadParser(requestForm, serverLimits)
  parser.receive(bytes, 0, bytes.length)
  assert.ok(parser.head !== undefined, 'the head is not whole')
  return checkRequest(parser.head)
}

function replaced(line: string | RegExp, by: string): string {
  const text = example.replace(line, by)
  assert.notEqual(text, example, `${line} replaces nothing`)
  return text
}

const without = (name: string) => replaced(new RegExp(`^${name}: .*\n`, 'm'), '')
const withField = (...fields: string[]) => replaced('\n\n', `\n${fields.join('\n')}\n\n`)
const withValue = (name: string, value: string) => replaced(new RegExp(`^${name}: .*`, 'm'), `${name}: ${value}`)

test('accepts the example, §1.2', () => {
  const { key, protocols, extensions, headers } = read(example)
  assert.equal(key, 'dGhlIHNhbXBsZSBub25jZQ==')
  assert.deepEqual(protocols, ['chat', 'superchat'])
  assert.deepEqual(extensions, [])
  assert.equal(headers.get('origin'), 'http://example.com')
})

const taken: Record<string, string> = {
  'Upgrade in any case and among others, §4.2.1': withValue('Upgrade', 'h2c, WebSocket'),
  'Upgrade over several lines, RFC 9110 §5.2': withField('Upgrade: h2c'),
  'Connection in any case and among others, §4.2.1': withValue('Connection', 'keep-alive ,, uPGRADE'),
  'Connection over several lines, RFC 9110 §5.2': withField('Connection: keep-alive'),
  'a Content-Length of 0': withField('Content-Length: 0'),
  'an absolute target with the same host, §4.2.1': replaced('/chat', 'http://server.example.com/chat'),
  'no subprotocol and no Origin, §4.2.1': example.replace(/^Origin.*\nSec-WebSocket-Protocol.*\n/m, ''),
}

for (const [what, text] of Object.entries(taken)) {
  test(`takes ${what}`, () => {
    read(text)
  })
}

test('combines subprotocols and extensions of several lines, §11.3.2, §11.3.4', () => {
  const offer = read(
    withField('Sec-WebSocket-Protocol: third', 'Sec-WebSocket-Extensions: a; b=1', 'Sec-WebSocket-Extensions: c'),
  )
  assert.deepEqual(offer.protocols, ['chat', 'superchat', 'third'])
  assert.deepEqual(offer.extensions, [
    { name: 'a', parameters: [['b', '1']] },
    { name: 'c', parameters: [] },
  ])
})

/** Rules that the server's options decide, not the standard. */
const byOptions = ['forwardedMalformed', 'forwardedConflict', 'hostForbidden', 'originForbidden'] as const

const broken: Record<Exclude<RequestViolationCode, (typeof byOptions)[number]>, Record<string, string>> = {
  requestMalformed: { 'a request line without a version': replaced(' HTTP/1.1', '') },
  requestHeadTooLong: { 'a head of 17 KiB': withField(`X: ${'a'.repeat(17 << 10)}`) },
  methodNotGet: { POST: replaced('GET', 'POST'), 'get in lower case': replaced('GET', 'get') },
  httpVersionTooOld: { 'HTTP/1.0': replaced('HTTP/1.1', 'HTTP/1.0') },
  targetInvalid: {
    'a fragment': replaced('/chat', '/chat#a'),
    'an asterisk': replaced('/chat', '*'),
    'an absolute target with another host': replaced('/chat', 'http://example.com/chat'),
  },
  hostMissing: {
    'no Host': without('Host'),
    'two Host fields': withField('Host: server.example.com'),
    'an empty Host': withValue('Host', ''),
    'a malformed Host': withValue('Host', 'a/b'),
  },
  bodyPresent: {
    'a Content-Length of 1': withField('Content-Length: 1'),
    'a Content-Length that is no number': withField('Content-Length: x'),
    'a Content-Length twice': withField('Content-Length: 0', 'Content-Length: 0'),
    'a Transfer-Encoding': withField('Transfer-Encoding: chunked'),
    'an empty Transfer-Encoding': withField('Transfer-Encoding:'),
  },
  upgradeMissing: {
    'no Upgrade': without('Upgrade'),
    'another Upgrade': withValue('Upgrade', 'h2c'),
    'an Upgrade that only begins alike': withValue('Upgrade', 'websockets'),
    'an ordinary request': 'GET / HTTP/1.1\nHost: a\nConnection: keep-alive\n\n',
    'an ordinary POST': 'POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\n',
  },
  connectionMissing: { 'no Connection': without('Connection'), another: withValue('Connection', 'keep-alive') },
  keyInvalid: {
    'no Sec-WebSocket-Key': without('Sec-WebSocket-Key'),
    'a key of 15 bytes': withValue('Sec-WebSocket-Key', 'AQIDBAUGBwgJCgsMDQ4P'),
    'a key that is not base64': withValue('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ!!'),
    'two Sec-WebSocket-Key fields, §11.3.1': withField('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='),
  },
  versionUnsupported: {
    'no Sec-WebSocket-Version': without('Sec-WebSocket-Version'),
    'version 8': withValue('Sec-WebSocket-Version', '8'),
    'version 13 written otherwise': withValue('Sec-WebSocket-Version', '013'),
    'two Sec-WebSocket-Version fields, §11.3.5': withField('Sec-WebSocket-Version: 13'),
    'another version with another key': withValue('Sec-WebSocket-Version', '0').replace('-Key', '-Key1'),
  },
  protocolOfferInvalid: {
    'an empty list of subprotocols': withValue('Sec-WebSocket-Protocol', ','),
    'a subprotocol twice': withField('Sec-WebSocket-Protocol: chat'),
    'a subprotocol that is no token': withValue('Sec-WebSocket-Protocol', 'a b'),
  },
  extensionOfferInvalid: {
    'an empty list of extensions': withField('Sec-WebSocket-Extensions:'),
    'a parameter without a name': withField('Sec-WebSocket-Extensions: a; =1'),
  },
}

for (const [code, cases] of Object.entries(broken)) {
  const row = violations[code as RequestViolationCode]
  for (const [what, text] of Object.entries(cases)) {
    test(`refuses ${what} with ${row.status}, §${row.section}`, () => {
      assert.throws(() => read(text), { name: 'HandshakeError', code, status: row.status })
    })
  }
}

test('covers every rule for a request except that of the Origin', () => {
  const codes = Object.entries(violations).flatMap(([code, row]) => ('status' in row ? [code] : []))
  assert.deepEqual(
    Object.keys(broken).toSorted(),
    codes.filter((code) => !(byOptions as readonly string[]).includes(code)).toSorted(),
  )
})

test('throws only HandshakeErrors for any fields', () => {
  const name = fc.constantFrom(...[...read(example).headers].map(([name]) => name), 'sec-websocket-extensions')
  const value = fc.oneof(
    fc.constantFrom('websocket', 'upgrade', '13', 'a', '', 'dGhlIHNhbXBsZSBub25jZQ==', 'a; b="c', 'a;'),
    fc.string({ unit: fc.constantFrom(...'a=,;"\\ \t1:[]%/\xff') }),
  )
  const fields = fc.array(fc.tuple(name, value))
  const property = fc.property(fields, fc.boolean(), (extra, isWhole) => {
    const start = isWhole ? [...read(example).headers] : []
    try {
      checkRequest({ method: 'GET', target: '/', version: '1.1', fields: [...start, ...extra].flat() })
    } catch (error) {
      assert.ok(error instanceof HandshakeError, String(error))
    }
  })
  fc.assert(property, { numRuns: 1000 })
})

function readAnswer(bytes: Uint8Array) {
  const parser = new HeadParser(responseForm, serverLimits)
  const read = parser.receive(bytes, 0, bytes.length)
  assert.ok(parser.head !== undefined)
  return { ...parser.head, headers: new HeaderFields(parser.head.fields), body: Buffer.from(bytes.subarray(read)) }
}

test('answers each broken rule with its status and its text', () => {
  for (const code of Object.keys(broken) as RequestViolationCode[]) {
    const error = new HandshakeError(code, 'a detail')
    const { status, headers, body } = readAnswer(encodeResponse(refusalOf(error)))
    assert.equal(status, violations[code].status)
    assert.equal(body.toString(), `${error.message}\n`)
    assert.equal(headers.get('content-type'), 'text/plain; charset=utf-8')
    assert.ok(headers.lists('connection', 'close'))
  }
})

test('names the protocol and its version with 426, §4.4, RFC 9110 §15.5.22', () => {
  for (const code of ['upgradeMissing', 'versionUnsupported'] as const) {
    const { headers } = readAnswer(encodeResponse(refusalOf(new HandshakeError(code))))
    assert.equal(headers.get('upgrade'), 'websocket')
    assert.ok(headers.lists('connection', 'upgrade'))
    assert.equal(headers.get('sec-websocket-version'), '13')
  }
})

test('names the allowed method with 405, RFC 9110 §15.5.6', () => {
  const { headers } = readAnswer(encodeResponse(refusalOf(new HandshakeError('methodNotGet'))))
  assert.equal(headers.get('allow'), 'GET')
})
