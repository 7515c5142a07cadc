import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../errors.js'
import { encodeResponse } from './encode-response.js'

const written = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

test('writes the whole response with Content-Length and Connection: close, RFC 9112 §9.6', () => {
  const bytes = encodeResponse({ status: 404, fields: ['Content-Type', 'text/plain'], body: 'gone\n' })
  const head = 'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\n'
  assert.equal(written(bytes), `${head}gone\n`)
})

test('counts the bytes of a text, not its characters, RFC 9110 §8.6', () => {
  const text = written(encodeResponse({ status: 200, fields: [], body: 'é€😀' }))
  assert.match(text, /\r\nContent-Length: 9\r\n/)
  assert.equal(text.split('\r\n\r\n')[1], Buffer.from('é€😀').toString('latin1'))
})

test('writes bytes as they are', () => {
  const text = written(encodeResponse({ status: 200, fields: [], body: Uint8Array.of(0, 255, 13, 10) }))
  assert.ok(text.endsWith('\r\n\r\n\0\xff\r\n'))
})

test('writes the length but not the body in the answer to HEAD, RFC 9110 §9.3.2', () => {
  const text = written(encodeResponse({ status: 200, fields: [], body: 'four' }, true))
  assert.ok(text.endsWith('Content-Length: 4\r\nConnection: close\r\n\r\n'))
})

for (const status of [204, 304]) {
  test(`writes neither length nor body with ${status}, RFC 9110 §8.6`, () => {
    const text = written(encodeResponse({ status, fields: [], body: 'four' }))
    assert.doesNotMatch(text, /content-length/i)
    assert.ok(text.endsWith('\r\n\r\n'))
  })
}

test('keeps the space before an absent reason, RFC 9112 §4', () => {
  assert.ok(written(encodeResponse({ status: 599, fields: [], body: '' })).startsWith('HTTP/1.1 599 \r\n'))
})

test('writes no length in the answer to HEAD whose body is unknown, RFC 9110 §8.6', () => {
  const text = written(encodeResponse({ status: 200, fields: [], body: '' }, true))
  assert.equal(text, 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n')
})

test('writes no content with 205, and says so, RFC 9110 §15.3.6', () => {
  const text = written(encodeResponse({ status: 205, fields: [], body: 'four' }))
  assert.ok(text.endsWith('Content-Length: 0\r\nConnection: close\r\n\r\n'))
})

/** The app's fields about the connection, and the one Connection that is sent. */
const connections: readonly (readonly [status: number, fields: readonly string[], connection: string])[] = [
  [200, [], 'close'],
  [200, ['Connection', 'close'], 'close'],
  [200, ['connection', 'CLOSE'], 'CLOSE'],
  [200, ['Connection', ''], 'close'],
  [200, ['X-Hop', '1', 'Connection', 'X-Hop'], 'X-Hop, close'],
  [200, ['Connection', 'X-Hop', 'Connection', 'close, x-hop'], 'X-Hop, close'],
  [200, ['Upgrade', 'h2c'], 'Upgrade, close'],
  [200, ['Upgrade', 'h2c', 'Connection', 'upgrade'], 'upgrade, close'],
  [426, [], 'Upgrade, close'],
  [426, ['Upgrade', 'websocket', 'Connection', 'Upgrade'], 'Upgrade, close'],
]
for (const [status, fields, connection] of connections) {
  test(`sends one Connection, "${connection}", for ${status} with ${JSON.stringify(fields)}, RFC 9110 §7.6.1`, () => {
    const text = written(encodeResponse({ status, fields, body: '' }))
    assert.deepEqual(text.match(/^connection: .*$/gim), [`Connection: ${connection}`])
    assert.equal(/^upgrade: /im.test(text), /upgrade/i.test(connection))
  })
}

for (const status of ['200', undefined, 0, 101, 199, 600, 200.5, Number.NaN]) {
  test(`refuses the status ${status} for a final answer, RFC 9110 §15`, () => {
    const isOptionInvalid = (error: unknown) => error instanceof UsageError && error.code === 'optionInvalid'
    assert.throws(() => encodeResponse({ status: status as number, fields: [], body: '' }), isOptionInvalid)
  })
}

for (const fields of [
  ['content-length', '1'],
  ['Transfer-Encoding', 'chunked'],
  ['Connection', 'keep-alive'],
  ['connection', 'X-Hop, Keep-Alive'],
  ['Keep-Alive', 'timeout=5'],
  ['Proxy-Connection', 'keep-alive'],
  ['TE', 'trailers'],
  ['Trailer', 'X-Sum'],
  ['X', 'a\r\nb'],
]) {
  test(`refuses the field ${JSON.stringify(fields)}`, () => {
    const isHeaderInvalid = (error: unknown) => error instanceof UsageError && error.code === 'headerInvalid'
    assert.throws(() => encodeResponse({ status: 200, fields, body: '' }), isHeaderInvalid)
  })
}
