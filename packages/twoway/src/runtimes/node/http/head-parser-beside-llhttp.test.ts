import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { Draws } from 'twoway-testing/mutations/draws.js'
import { requestForm } from '../../../core/http/head-form.js'
import { HeadParser } from '../../../core/http/head-parser.js'
import { isTarget } from '../../../core/http/request-target.js'
import type { RequestHead } from '../../../ports/http-host.js'

const limits = { maxHeadBytes: 4096, maxHeaderFields: 50 }

const request = [
  'GET /chat?a=b HTTP/1.1',
  'Host: example.com:8080',
  'Upgrade: websocket',
  'Connection: keep-alive, Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
  'X-Empty:',
  'X-Spaces:  \t two words \t ',
  '',
  '',
].join('\r\n')

/** Characters that parsers are likely to read in two ways: controls, separators, bytes above ASCII. */
const odd = [
  '\0',
  '\t',
  '\n',
  '\r',
  '\r\n',
  '\n\r',
  ' ',
  ':',
  ',',
  ';',
  '"',
  '\\',
  '(',
  '\x7f',
  '\x80',
  '\xa0',
  '\xff',
  'x',
]

/** The request as node:http reads it, or undefined if it refuses it. */
function readByNode(bytes: Buffer): RequestHead | undefined {
  let head: RequestHead | undefined
  const take = ({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): void => {
    head ??= { method, target: url, version: httpVersion, fields: rawHeaders }
  }
  const server = createServer({ requireHostHeader: false, maxHeaderSize: 16_384 }, take)
  server.on('upgrade', take)
  server.on('clientError', () => {})
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(), allowHalfOpen: true })
  stream.on('error', () => {})
  server.emit('connection', stream)
  // Node reads a stream that is no socket from its 'data' events, and parses as it hears of them.
  stream.emit('data', bytes)
  stream.destroy()
  return head
}

function readByUs(bytes: Buffer): RequestHead | undefined {
  const parser = new HeadParser(requestForm, limits)
  try {
    parser.receive(bytes, 0, bytes.length)
    const { head } = parser
    // A text that is no target of HTTP is refused later, by a rule of its own.
    return head !== undefined && isTarget(head.target, 'example.com:8080') ? head : undefined
  } catch {
    return undefined
  }
}

test('takes no head that node:http refuses or reads otherwise, RFC 9112 §11.2', () => {
  let taken = 0
  const inputs = 6000
  for (let input = 0; input < inputs; input += 1) {
    const draws = new Draws(6455, input)
    let text = request
    for (let changes = 1 + draws.below(2); changes > 0; changes -= 1) {
      // The first letters are the method's: node:http knows a list of them, and we refuse all but one later.
      const at = 3 + draws.below(text.length - 3)
      const piece = draws.of(odd)
      text = text.slice(0, at) + piece + text.slice(at + draws.below(3))
    }
    const bytes = Buffer.from(text, 'latin1')
    const ours = readByUs(bytes)
    if (ours === undefined) continue
    taken += 1
    const nodes = readByNode(bytes)
    assert.deepEqual({ ...nodes }, { ...ours }, JSON.stringify(text))
  }
  assert.ok(taken > inputs / 10 && taken < inputs, `${taken} of ${inputs} were taken`)
})
