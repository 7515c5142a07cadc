import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HandshakeError, type ResponseViolationCode, violations } from '../errors.js'
import { parseExtensions } from '../extensions/extension-header.js'
import { requestForm } from '../http/head-form.js'
import { HeadParser } from '../http/head-parser.js'
import { clientLimits } from '../limits.js'
import { ClientHandshake, type ClientHandshakeOptions } from './client-handshake.js'
import { encodeAcceptance } from './encode-acceptance.js'
import { checkRequest } from './server-handshake.js'

const key = 'dGhlIHNhbXBsZSBub25jZQ=='

const options: ClientHandshakeOptions = {
  host: 'server.example.com',
  target: '/chat',
  key,
  protocols: ['chat', 'superchat'],
  extensions: parseExtensions('permessage-deflate; client_max_window_bits, other')!,
  fields: [],
  limits: clientLimits,
}

/** The answer of §1.2. Its lines end with a line feed only here. */
const example = `HTTP/1.1 101 Switching Protocols
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
Sec-WebSocket-Protocol: chat

`

const encoded = (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1')

/** Feeds pieces of the given sizes in turn, overwriting each afterwards; returns the number of bytes read. */
function feed(handshake: ClientHandshake, bytes: Uint8Array, sizes: readonly number[]): number {
  let at = 0
  for (let turn = 0; at < bytes.length; turn++) {
    const piece = Uint8Array.from(bytes.subarray(at, at + sizes[turn % sizes.length]!))
    const read = handshake.receive(piece, 0, piece.length)
    piece.fill(0)
    at += read
    if (read < piece.length) return at
  }
  return at
}

function answered(text: string, changes: Partial<ClientHandshakeOptions> = {}, sizes = [1 << 20]): ClientHandshake {
  const handshake = new ClientHandshake({ ...options, ...changes })
  feed(handshake, encoded(text), sizes)
  return handshake
}

function replaced(line: string | RegExp, by: string): string {
  const text = example.replace(line, by)
  assert.notEqual(text, example, `${line} replaces nothing`)
  return text
}

const without = (name: string) => replaced(new RegExp(`^${name}: .*\n`, 'm'), '')
const withField = (...fields: string[]) => replaced('\n\n', `\n${fields.join('\n')}\n\n`)
const withValue = (name: string, value: string) => replaced(new RegExp(`^${name}: .*`, 'm'), `${name}: ${value}`)

const requestText = (changes: Partial<ClientHandshakeOptions>) =>
  Buffer.from(new ClientHandshake({ ...options, ...changes }).request).toString('latin1')

test('writes the request of §4.1, fields in a fixed order', () => {
  const lines = [
    'GET /chat HTTP/1.1',
    'Host: server.example.com',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
    'Origin: http://example.com',
    'Sec-WebSocket-Protocol: chat, superchat',
    'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, other',
    'Cookie: a=b',
    '\r\n',
  ]
  assert.equal(requestText({ origin: 'http://example.com', fields: ['Cookie', 'a=b'] }), lines.join('\r\n'))
})

test('requests nothing that was not given, §4.1', () => {
  assert.doesNotMatch(requestText({ protocols: [], extensions: [] }), /Origin|Protocol|Extensions/)
})

test("replaces its Host and Origin by the caller's", () => {
  const text = requestText({ origin: 'http://a', fields: ['host', 'b', 'ORIGIN', 'http://c'] })
  assert.deepEqual(text.match(/^(host|origin): .*$/gim), ['host: b', 'ORIGIN: http://c'])
})

const unfit: readonly (readonly [what: string, code: string, Partial<ClientHandshakeOptions>])[] = [
  ['a target with a space', 'optionInvalid', { target: '/a b' }],
  ['a target with a line end', 'optionInvalid', { target: '/a\r\nX: b' }],
  ['a target with a fragment', 'optionInvalid', { target: '/#a' }],
  ['a target that is no path', 'optionInvalid', { target: 'a' }],
  ['a subprotocol that is no token', 'optionInvalid', { protocols: ['a b'] }],
  ['a subprotocol twice', 'optionInvalid', { protocols: ['a', 'a'] }],
  ['a Host with a line end', 'headerInvalid', { host: 'a\r\nX: b' }],
  ['an Origin with a line end', 'headerInvalid', { origin: 'a\r\nX: b' }],
  ['two Host fields', 'headerInvalid', { fields: ['Host', 'a', 'Host', 'a'] }],
  ['a value with a line end', 'headerInvalid', { fields: ['X', 'a\nb'] }],
  ['a name that is no token', 'headerInvalid', { fields: ['X:', 'a'] }],
  ...[
    'Upgrade',
    'Connection',
    'sec-websocket-key',
    'Sec-WebSocket-Version',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
    'Sec-WebSocket-Accept',
    'Content-Length',
    'Transfer-Encoding',
  ].map((name) => [`the field ${name}`, 'headerInvalid', { fields: [name, '0'] }] as const),
]

for (const [what, code, changes] of unfit) {
  test(`refuses to ask with ${what}`, () => {
    assert.throws(() => new ClientHandshake({ ...options, ...changes }), { name: 'UsageError', code })
  })
}

test('accepts the example however it is split, and leaves the bytes behind it, §1.2', () => {
  const bytes = Buffer.concat([encoded(example), Buffer.from([0x81, 0x00])])
  const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 })
  fc.assert(
    fc.property(fc.oneof(fc.constant([1]), fc.constant([bytes.length]), cuts), (sizes) => {
      const handshake = new ClientHandshake(options)
      const read = feed(handshake, bytes, sizes)
      assert.equal(read, bytes.length - 2)
      assert.equal(handshake.result?.protocol, 'chat')
      assert.deepEqual(handshake.result?.extensions, [])
      assert.equal(handshake.result?.headers.get('upgrade'), 'websocket')
      assert.equal(handshake.receive(Uint8Array.of(0), 0, 1), 0)
    }),
  )
})

test('has no result before the whole answer has arrived', () => {
  const bytes = encoded(example)
  const handshake = new ClientHandshake(options)
  assert.equal(handshake.receive(bytes, 0, bytes.length - 1), bytes.length - 1)
  assert.equal(handshake.result, undefined)
  assert.equal(handshake.response, undefined)
})

const taken: Record<string, string> = {
  'Upgrade in any case, §4.1': withValue('Upgrade', 'WebSocket'),
  'Connection in any case and among others, §4.1': withValue('Connection', 'keep-alive, uPGRADE'),
  'Connection over several lines, RFC 9110 §5.2': withField('Connection: keep-alive'),
  'an extension that was offered, §4.1': withField('Sec-WebSocket-Extensions: permessage-deflate; a="1"'),
}

for (const [what, text] of Object.entries(taken)) {
  test(`takes ${what}`, () => {
    assert.ok(answered(text).result !== undefined)
  })
}

test('returns the extensions as they were answered', () => {
  const text = withField('Sec-WebSocket-Extensions: other, permessage-deflate; a=1')
  assert.deepEqual(answered(text).result?.extensions, [
    { name: 'other', parameters: [] },
    { name: 'permessage-deflate', parameters: [['a', '1']] },
  ])
})

type Case = string | readonly [text: string, changes: Partial<ClientHandshakeOptions>]

const broken: Record<ResponseViolationCode, Record<string, Case>> = {
  responseMalformed: { 'an answer in another protocol': 'SSH-2.0-a\n' },
  responseHeadTooLong: {
    'a head of 65 KiB': withField(`X: ${'a'.repeat(65 << 10)}`),
    'a thousand fields and one': withField(...Array.from({ length: 1001 }, () => 'X:')),
    'interim answers without end': 'HTTP/1.1 102 Processing\n\n'.repeat(4000),
  },
  statusNot101: {
    '200': replaced('101 Switching Protocols', '200 OK'),
    '301 before its body': 'HTTP/1.1 301 Moved Permanently\nLocation: /b\n\nabc',
  },
  responseVersionTooOld: { 'a 101 by HTTP/1.0': replaced('HTTP/1.1 101', 'HTTP/1.0 101') },
  upgradeNotWebSocket: {
    'no Upgrade': without('Upgrade'),
    'another Upgrade': withValue('Upgrade', 'h2c'),
    'another Upgrade besides': withValue('Upgrade', 'h2c, websocket'),
  },
  connectionNotUpgrade: { 'no Connection': without('Connection'), another: withValue('Connection', 'close') },
  acceptMismatch: {
    'no Sec-WebSocket-Accept': without('Sec-WebSocket-Accept'),
    'the answer to another key': [example, { key: 'AQIDBAUGBwgJCgsMDQ4PEA==' }],
    'an Accept in another case': withValue('Sec-WebSocket-Accept', 's3pplmbitxaq9kygzzhzrbk+xoo='),
    'two Sec-WebSocket-Accept fields, §11.3.3': withField('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='),
  },
  extensionNotOffered: {
    'an extension that was not offered': withField('Sec-WebSocket-Extensions: x-webkit-deflate-frame'),
    'an extension where none was offered': [withField('Sec-WebSocket-Extensions: other'), { extensions: [] }],
    'an extension twice': withField('Sec-WebSocket-Extensions: other, other'),
    'two Sec-WebSocket-Extensions fields, §11.3.2': withField(
      'Sec-WebSocket-Extensions: other',
      'Sec-WebSocket-Extensions: permessage-deflate',
    ),
    'a malformed Sec-WebSocket-Extensions': withField('Sec-WebSocket-Extensions: other;'),
    'an empty Sec-WebSocket-Extensions': withField('Sec-WebSocket-Extensions:'),
  },
  protocolNotOffered: {
    'a subprotocol that was not offered': withValue('Sec-WebSocket-Protocol', 'other'),
    'a subprotocol in another case': withValue('Sec-WebSocket-Protocol', 'Chat'),
    'a subprotocol where none was offered': [example, { protocols: [] }],
    'two subprotocols': withValue('Sec-WebSocket-Protocol', 'chat, superchat'),
    'two Sec-WebSocket-Protocol fields, §11.3.4': withField('Sec-WebSocket-Protocol: chat'),
    'an empty Sec-WebSocket-Protocol': withValue('Sec-WebSocket-Protocol', ''),
  },
  protocolNotChosen: { 'no subprotocol where some were offered': without('Sec-WebSocket-Protocol') },
}

for (const [code, cases] of Object.entries(broken)) {
  for (const [what, given] of Object.entries(cases)) {
    test(`refuses ${what}, §${violations[code as ResponseViolationCode].section}`, () => {
      const [text, changes] = typeof given === 'string' ? [given] : given
      for (const sizes of [[1 << 20], [1], [3, 50]]) {
        assert.throws(() => answered(text, changes, sizes), { name: 'HandshakeError', code })
      }
    })
  }
}

test('covers every rule for an answer', () => {
  const codes = Object.entries(violations).filter(([, row]) => !('status' in row || 'closeCode' in row))
  assert.deepEqual(Object.keys(broken).toSorted(), codes.map(([code]) => code).toSorted())
})

test('reports the status and the reason of a refusal, and keeps its head', () => {
  const handshake = new ClientHandshake(options)
  const bytes = encoded('HTTP/1.1 503 Service Unavailable\nRetry-After: 5\n\nlater')
  assert.throws(() => handshake.receive(bytes, 0, bytes.length), {
    code: 'statusNot101',
    status: 503,
    message: /503 Service Unavailable/,
  })
  assert.deepEqual(handshake.response?.fields, ['Retry-After', '5'])
  assert.equal(handshake.result, undefined)
})

test('names the field that broke a rule, and the status', () => {
  assert.throws(() => answered(withValue('Upgrade', 'h2c')), { status: 101, message: /Upgrade: h2c/ })
  assert.throws(() => answered(without('Upgrade')), { status: 101, message: /no Upgrade/ })
})

test('skips interim answers, RFC 9110 §15.2', () => {
  const interim = 'HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: </a>\n\n'
  for (const sizes of [[1 << 20], [1], [7]]) {
    assert.equal(answered(interim + example, {}, sizes).result?.protocol, 'chat')
  }
})

test('limits all heads together to maxHeadBytes', () => {
  const interim = 'HTTP/1.1 100 Continue\n\n'
  const maxHeadBytes = encoded(interim + example).length
  const within = (maxHeadBytes: number) => ({ limits: { ...clientLimits, maxHeadBytes } })
  assert.ok(answered(interim + example, within(maxHeadBytes)).result !== undefined)
  assert.throws(() => answered(interim + example, within(maxHeadBytes - 1)), { code: 'responseHeadTooLong' })
})

test('throws only HandshakeErrors for any input', () => {
  const index = fc.nat(300)
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from(' \t\r\n:;,="\\1')))
  const changes = fc.array(fc.tuple(index, fc.nat(2), byte), { maxLength: 3 })
  const answer = encoded(withField('Sec-WebSocket-Extensions: permessage-deflate; a="b"'))
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    changes.map((list) => {
      const bytes = [...answer]
      for (const [index, removed, byte] of list) bytes.splice(index, removed, byte)
      return Uint8Array.from(bytes)
    }),
  )
  const property = fc.property(anything, fc.integer({ min: 1, max: 400 }), (bytes, size) => {
    try {
      feed(new ClientHandshake(options), bytes, [size])
    } catch (error) {
      assert.ok(error instanceof HandshakeError, String(error))
    }
  })
  fc.assert(property, { numRuns: 2000 })
})

test('client and server agree on any offer', () => {
  const token = fc.stringMatching(/^[a-z!#$%&'*+.^_`|~-]{1,8}$/)
  const protocols = fc.uniqueArray(token, { maxLength: 4 })
  const parameter = fc.tuple(token, fc.option(token, { nil: undefined }))
  const extension = fc.record(
    { name: token, parameters: fc.array(parameter, { maxLength: 3 }) },
    { noNullPrototype: true },
  )
  const extensions = fc.array(extension, { maxLength: 3 })
  fc.assert(
    fc.property(protocols, extensions, (protocols, extensions) => {
      const client = new ClientHandshake({ ...options, protocols, extensions })
      const parser = new HeadParser(requestForm, clientLimits)
      parser.receive(client.request, 0, client.request.length)
      const offer = checkRequest(parser.head!)
      assert.deepEqual(offer.protocols, protocols)
      assert.deepEqual(offer.extensions, extensions)
      const protocol = protocols.at(-1) ?? ''
      const answer = encodeAcceptance({ key: offer.key, protocol, extensions: extensions[0]?.name, fields: [] })
      client.receive(answer, 0, answer.length)
      assert.equal(client.result?.protocol, protocol)
      assert.equal(client.result?.extensions[0]?.name, extensions[0]?.name)
    }),
  )
})
