import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import type { HttpHandler, HttpResponse } from '../../ports/http-host.js'
import { HttpExchanges } from './http-exchanges.js'

const timeMs = 1000
const answerMs = 20_000
const limits = {
  handshakeTimeoutMs: timeMs,
  maxHeadBytes: 1024,
  maxHeaderFields: 10,
  maxRequests: 3,
  requestTimeoutMs: answerMs,
}
const handshake = Buffer.from('GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n')
const plain = Buffer.from('GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n')

class RewindableRecording extends RecordingTransport {
  get text(): string {
    return Buffer.from(this.written).toString('latin1')
  }

  unread(): void {}
}

function setUp() {
  const clock = new FakeClock()
  const refused: number[] = []
  const limited: string[] = []
  const upgraded: string[] = []
  const answers: ((response: HttpResponse) => void)[] = []
  const handler: HttpHandler = {
    upgrade: ({ method }) => upgraded.push(method),
    request: () => new Promise((resolve) => answers.push(resolve)),
    dropped: () => {},
    refused: ({ status }) => refused.push(status),
    limited: (limit) => limited.push(limit),
    failed: () => {},
  }
  const exchanges = new HttpExchanges(limits, handler, clock)
  const begin = (ms?: number): RewindableRecording => {
    const transport = new RewindableRecording()
    exchanges.begin(transport, ms)
    return transport
  }
  const ask = (text: string | Buffer = plain): RewindableRecording => {
    const transport = begin()
    const bytes = Buffer.from(text)
    transport.sink.received(bytes, 0, bytes.length)
    return transport
  }
  return { clock, refused, limited, upgraded, answers, exchanges, begin, ask }
}

test('refuses a head at its deadline, and not before', () => {
  const { clock, refused, begin } = setUp()
  begin()
  clock.advance(timeMs - 1)
  assert.deepEqual(refused, [])
  clock.advance(1)
  assert.deepEqual(refused, [408])
})

test('refuses each of many at its own deadline, late by a sixty-fourth at most', () => {
  const { clock, refused, begin } = setUp()
  for (let count = 0; count < 500; count += 1) {
    begin()
    clock.advance(1)
  }
  for (let now = 500; now < 1600; now += 1) {
    const due = Math.max(0, now - timeMs + 1)
    assert.ok(refused.length <= due, `${refused.length} of ${due} at ${now} ms`)
    assert.ok(refused.length >= Math.min(500, due - timeMs / 64 - 1), `${refused.length} of ${due} at ${now} ms`)
    clock.advance(1)
  }
  assert.equal(refused.length, 500)
})

test('refuses a head whose deadline is earlier than those of the heads before it', () => {
  const { clock, refused, begin } = setUp()
  begin()
  begin(10)
  clock.advance(10)
  assert.deepEqual(refused, [408])
})

test('drops an answered connection that the client does not close', () => {
  const { clock, begin } = setUp()
  const transport = begin()
  clock.advance(timeMs)
  assert.deepEqual(transport.calls, ['write', 'end'])
  clock.advance(timeMs)
  assert.deepEqual(transport.calls, ['write', 'end', 'destroy'])
})

test('leaves alone connections that were handed over or are gone, and requests that their handler still answers', () => {
  const { clock, refused, begin } = setUp()
  begin().sink.received(handshake, 0, handshake.length)
  begin().sink.closed()
  begin().sink.received(plain, 0, plain.length)
  clock.advance(10 * timeMs)
  assert.deepEqual(refused, [])
})

test('drops all open exchanges once, and stops its timer', () => {
  const { clock, refused, exchanges, begin } = setUp()
  const transport = begin()
  exchanges.drop()
  exchanges.drop()
  clock.advance(10 * timeMs)
  assert.deepEqual(transport.calls, ['destroy'])
  assert.deepEqual(refused, [])
})

test('does not keep the process alive', () => {
  const { clock, begin } = setUp()
  begin()
  assert.equal(clock.pendingTimers, 0)
})

const ok: HttpResponse = { status: 200, fields: [], body: 'hello' }

test('hands over requests that offer WebSocket, and answers other upgrades as plain requests, RFC 9110 §7.8', () => {
  const { upgraded, answers, ask } = setUp()
  for (const offer of ['websocket', 'WebSocket', 'h2c, websocket', 'websocket/13 , h2c']) {
    ask(`GET / HTTP/1.1\r\nUpgrade: ${offer}\r\n\r\n`)
  }
  assert.equal(upgraded.length, 4)
  for (const offer of ['h2c', 'x-websocket', 'websocket-13']) ask(`GET / HTTP/1.1\r\nUpgrade: ${offer}\r\n\r\n`)
  assert.equal(upgraded.length, 4)
  assert.equal(answers.length, 3)
})

test('answers 503 to a request that its handler does not answer in time, and ignores the late answer', async () => {
  const { clock, limited, answers, ask } = setUp()
  const transport = ask()
  clock.advance(answerMs - 1)
  assert.equal(transport.text, '')
  clock.advance(1)
  assert.match(transport.text, /^HTTP\/1\.1 503 [\s\S]*did not answer this request in time/)
  assert.deepEqual(limited, ['requestTimeoutMs'])
  const { text } = transport
  answers[0]!(ok)
  await null
  assert.equal(transport.text, text)
})

test('answers 503 at once to requests above maxRequests, drops them soon, and accepts others once one is answered', async () => {
  const { clock, limited, answers, ask } = setUp()
  const [first] = [ask(), ask(), ask()]
  const over = ask()
  assert.match(over.text, /^HTTP\/1\.1 503 [\s\S]*too many requests/)
  assert.deepEqual([limited, answers.length], [['maxRequests'], 3])
  clock.advance(timeMs)
  assert.deepEqual(over.calls, ['write', 'end', 'destroy'])
  answers[0]!(ok)
  await new Promise((resolve) => setImmediate(resolve))
  assert.match(first!.text, /^HTTP\/1\.1 200 /)
  ask()
  assert.equal(answers.length, 4)
  first!.sink.closed()
  ask().sink.closed()
  assert.equal(answers.length, 4)
})

test('does not count handshakes and incomplete heads as requests', () => {
  const { answers, upgraded, begin, ask } = setUp()
  for (let count = 0; count < 5; count += 1) begin()
  for (let count = 0; count < 5; count += 1) ask(handshake)
  for (let count = 0; count < 3; count += 1) ask()
  assert.equal(answers.length, 3)
  ask(handshake)
  assert.equal(upgraded.length, 6)
})

test('drops the oldest answered connection if too many stay open', async () => {
  const { answers, ask } = setUp()
  const transports = []
  for (let count = 0; count < 5; count += 1) {
    transports.push(ask())
    answers[count]!(ok)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const dropped = transports.map(({ calls }) => calls.includes('destroy'))
  assert.deepEqual(dropped, [true, true, false, false, false])
})

test('no longer counts a request whose client leaves before the answer', () => {
  const { answers, ask } = setUp()
  const transports = [ask(), ask(), ask()]
  for (const { sink } of transports) sink.closed()
  ask()
  assert.equal(answers.length, 4)
})

test('answers HEAD without a body in every case, RFC 9110 §9.3.2', async () => {
  const { clock, answers, ask } = setUp()
  const head = 'HEAD / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n'
  const broken = [
    'HEAD / HTTP/1.1\r\nno colon\r\n',
    `HEAD / HTTP/1.1\r\n${'X: y\r\n'.repeat(11)}`,
    'HEAD / HTTP/1.1\r\nX: y',
  ]
  const refused = broken.map((text) => ask(text))
  const transports = [ask(head), ask(head), ask(head), ask(head)]
  answers[0]!(ok)
  answers[1]!({ ...ok, status: 99 })
  await new Promise((resolve) => setImmediate(resolve))
  clock.advance(answerMs)
  assert.deepEqual(
    refused.map(({ text }) => text.slice(9, 12)),
    ['400', '431', '408'],
  )
  for (const { text } of refused) assert.match(text, /Content-Length: [1-9][0-9]*\r\n[\s\S]*\r\n\r\n$/)
  const statuses = transports.map(({ text }) => text.slice(9, 12))
  assert.deepEqual(statuses, ['200', '500', '503', '503'])
  for (const { text } of transports) assert.match(text, /Content-Length: [1-9][0-9]*\r\n[\s\S]*\r\n\r\n$/)
})

test('refuses CONNECT, and answers * itself, RFC 9110 §9.3.6 and §9.3.7', () => {
  const { answers, ask } = setUp()
  assert.match(ask('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n').text, /^HTTP\/1\.1 501 /)
  assert.match(ask('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n').text, /^HTTP\/1\.1 200 [\s\S]*Content-Length: 0\r\n/)
  assert.match(ask('GET * HTTP/1.1\r\nHost: a\r\n\r\n').text, /^HTTP\/1\.1 400 /)
  assert.equal(answers.length, 0)
  ask('OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(answers.length, 1)
})

test('hands over a handshake that it knows, and one with bytes behind it or in two pieces', () => {
  const { upgraded, refused, begin } = setUp()
  const bytes = Buffer.from(handshakeRequest())
  for (let count = 0; count < 20; count += 1) begin().sink.received(bytes, 0, bytes.length)
  assert.equal(upgraded.length, 20)
  const more = Buffer.concat([bytes, Buffer.from('behind')])
  begin().sink.received(more, 0, more.length)
  const { sink } = begin()
  sink.received(bytes, 0, 100)
  sink.received(bytes, 100, bytes.length)
  assert.equal(upgraded.length, 22)
  const wrong = Buffer.from(bytes.toString().replace('GET', 'G\0T'))
  begin().sink.received(wrong, 0, wrong.length)
  assert.deepEqual([upgraded.length, refused], [22, [400]])
})
