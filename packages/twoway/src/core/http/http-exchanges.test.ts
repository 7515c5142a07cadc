import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from 'twoway-testing/fake-clock.js'
import { RecordingTransport } from 'twoway-testing/recording-transport.js'
import type { HttpHandler } from '../../ports/http-host.js'
import { HttpExchanges } from './http-exchanges.js'

const timeMs = 1000
const limits = { handshakeTimeoutMs: timeMs, maxHeadBytes: 1024, maxHeaderFields: 10 }
const request = Buffer.from('GET / HTTP/1.1\r\nUpgrade: a\r\n\r\n')

class RewindableRecording extends RecordingTransport {
  unread(): void {}
}

function setUp() {
  const clock = new FakeClock()
  const refused: number[] = []
  const handler: HttpHandler = {
    upgrade: () => {},
    request: () => new Promise(() => {}),
    refused: (status) => refused.push(status),
    failed: () => {},
  }
  const exchanges = new HttpExchanges(limits, handler, clock)
  const begin = (ms?: number): RewindableRecording => {
    const transport = new RewindableRecording()
    exchanges.begin(transport, ms)
    return transport
  }
  return { clock, refused, exchanges, begin }
}

test('refuses a head once its time is up, and not before', () => {
  const { clock, refused, begin } = setUp()
  begin()
  clock.advance(timeMs - 1)
  assert.deepEqual(refused, [])
  clock.advance(1)
  assert.deepEqual(refused, [408])
})

test('refuses each of many in its own time, a sixty-fourth of it late at most', () => {
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

test('refuses one that has less time left than those before it', () => {
  const { clock, refused, begin } = setUp()
  begin()
  begin(10)
  clock.advance(10)
  assert.deepEqual(refused, [408])
})

test('drops a connection that the client does not close once it was answered', () => {
  const { clock, begin } = setUp()
  const transport = begin()
  clock.advance(timeMs)
  assert.deepEqual(transport.calls, ['write', 'end'])
  clock.advance(timeMs)
  assert.deepEqual(transport.calls, ['write', 'end', 'destroy'])
})

test('leaves alone what was handed over, what is gone, and what its handler has still to answer', () => {
  const { clock, refused, begin } = setUp()
  begin().sink.received(request, 0, request.length)
  begin().sink.closed()
  const plain = Buffer.from('GET / HTTP/1.1\r\n\r\n')
  begin().sink.received(plain, 0, plain.length)
  clock.advance(10 * timeMs)
  assert.deepEqual(refused, [])
})

test('drops all that are under way, once, and looks after none any more', () => {
  const { clock, refused, exchanges, begin } = setUp()
  const transport = begin()
  exchanges.drop()
  exchanges.drop()
  clock.advance(10 * timeMs)
  assert.deepEqual(transport.calls, ['destroy'])
  assert.deepEqual(refused, [])
})

test('lets a process end that has nothing else to do', () => {
  const { clock, begin } = setUp()
  begin()
  assert.equal(clock.pendingTimers, 0)
})
