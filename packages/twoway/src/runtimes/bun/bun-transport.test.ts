import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { TransportError } from '../../core/errors.js'
import { type BunSocket, bunApi } from './bun-sockets.js'
import { BunTransport } from './bun-transport.js'

// `npm run test:runtimes -- bun` runs the contract of the port on Bun's real sockets.

/** A socket that takes as many bytes as the test allows. */
class FakeSocket implements BunSocket<BunTransport | undefined> {
  data: BunTransport | undefined
  readonly remoteAddress: string | undefined = '192.0.2.1'
  readonly remotePort = 4000
  readonly calls: string[] = []
  readonly lengths: number[] = []
  readonly taken: number[] = []
  room = Number.POSITIVE_INFINITY

  write(bytes: Uint8Array, start = 0, length = bytes.length): number {
    this.lengths.push(length)
    const taken = Math.min(length, this.room)
    this.room -= taken
    for (const byte of bytes.subarray(start, start + taken)) this.taken.push(byte)
    return taken
  }

  shutdown(): void {
    this.calls.push('shutdown')
  }

  /** Bun calls back within the call. */
  terminate(): void {
    this.calls.push('terminate')
    BunTransport.events.close(this)
  }

  close(): void {
    this.calls.push('close')
    BunTransport.events.close(this)
  }

  pause(): void {
    this.calls.push('pause')
  }

  resume(): void {
    this.calls.push('resume')
  }

  drain(room: number): void {
    this.room = room
    BunTransport.events.drain(this)
  }
}

function opened({ encrypted = false } = {}) {
  const clock = new FakeClock()
  const socket = new FakeSocket()
  const explain = (cause: Error | undefined) => new TransportError(cause?.message ?? 'dropped', { cause })
  const transport = new BunTransport({ clock, encrypted, explain }, socket)
  const sink = new RecordingSink()
  transport.start(sink)
  return { clock, socket, transport, sink }
}

test('writes header and payload in one call up to 128 KiB, and in two above', () => {
  const { socket, transport } = opened()
  transport.write(new Uint8Array(4).fill(1), new Uint8Array((128 << 10) - 4).fill(2))
  assert.deepEqual(socket.lengths, [128 << 10])
  transport.write(new Uint8Array(4), new Uint8Array(128 << 10))
  assert.deepEqual(socket.lengths, [128 << 10, 4, 128 << 10])
  assert.equal(transport.pendingBytes, 0)
})

test('keeps the bytes that the kernel has not taken, in order, wherever a write is cut', () => {
  const header = Uint8Array.of(1, 2, 3)
  const payload = Uint8Array.of(4, 5, 6, 7)
  for (let cut = 0; cut <= 7; cut += 1) {
    const { socket, transport, sink } = opened()
    socket.room = cut
    transport.write(header, payload)
    transport.write(Uint8Array.of(8))
    assert.equal(transport.pendingBytes, cut === 7 ? 1 : 8 - cut)
    for (let rounds = 0; transport.pendingBytes > 0 && rounds < 20; rounds += 1) socket.drain(1)
    assert.deepEqual(socket.taken, [1, 2, 3, 4, 5, 6, 7, 8])
    assert.deepEqual(sink.calls, ['drained'])
  }
})

test('repeats a write that was not taken with at least as many bytes, as OpenSSL demands', () => {
  const { socket, transport } = opened({ encrypted: true })
  socket.room = 0
  transport.write(new Uint8Array(10), new Uint8Array(1000))
  transport.write(new Uint8Array(200 << 10))
  socket.drain(0)
  socket.drain(300 << 10)
  assert.ok(socket.lengths[1]! >= socket.lengths[0]!)
  assert.equal(transport.pendingBytes, 0)
})

test('shuts down after the last byte, and not before', () => {
  const { socket, transport } = opened()
  socket.room = 1
  transport.write(new Uint8Array(3))
  transport.end()
  transport.write(new Uint8Array(5))
  assert.deepEqual(socket.calls, [])
  socket.drain(3)
  assert.deepEqual([socket.calls, socket.taken.length], [['shutdown'], 3])
})

test('holds what Bun delivers after pause, and gives it before the rest', () => {
  const { clock, socket, transport, sink } = opened()
  transport.pause()
  BunTransport.events.data(socket, Uint8Array.of(0x61))
  BunTransport.events.data(socket, Uint8Array.of(0x62))
  BunTransport.events.end(socket)
  assert.deepEqual(sink.calls, [])
  transport.resume()
  assert.deepEqual(sink.calls, [])
  clock.endTurn()
  assert.deepEqual([sink.text, sink.calls, socket.calls], ['ab', ['received', 'ended'], ['pause', 'resume']])
})

test('releases the memory of a long read once it is delivered, and never that of a part of a buffer', () => {
  const { clock, socket, transport, sink } = opened()
  const log: unknown[] = []
  const readOf = (length: number, room = length): Uint8Array => {
    const buffer = new ArrayBuffer(room)
    Object.assign(buffer, { transfer: (size: number) => log.push([length, size, sink.receivedBytes]) })
    return new Uint8Array(buffer, 0, length)
  }
  BunTransport.events.data(socket, readOf(4096))
  BunTransport.events.data(socket, readOf(100))
  BunTransport.events.data(socket, readOf(5000, 6000))
  assert.deepEqual(log, [[4096, 0, 4096]])
  transport.pause()
  BunTransport.events.data(socket, readOf(8192))
  assert.equal(log.length, 1)
  transport.resume()
  clock.endTurn()
  assert.deepEqual(log.slice(1), [[8192, 0, 17388]])
})

test('counts for ever what was written after it was lost, and keeps none of it', () => {
  const { socket, transport } = opened()
  socket.room = 1
  transport.write(new Uint8Array(3))
  BunTransport.events.close(socket)
  transport.write(new Uint8Array(5))
  socket.drain(10)
  assert.deepEqual([transport.pendingBytes, socket.taken.length], [7, 1])
})

test('tells of a close within its own destroy after the call', () => {
  const { clock, transport, sink } = opened()
  transport.destroy()
  assert.deepEqual(sink.calls, [])
  clock.endTurn()
  assert.deepEqual([sink.calls, sink.error], [['closed'], undefined])
})

test('drops bytes that wait under TLS by a reset, as Bun would wait for the peer to read them', () => {
  for (const [encrypted, call] of [
    [true, 'terminate'],
    [false, 'close'],
  ] as const) {
    const { socket, transport } = opened({ encrypted })
    socket.room = 1
    transport.write(new Uint8Array(3))
    transport.destroy()
    assert.deepEqual([socket.calls, transport.pendingBytes], [[call], 2])
  }
})

test('tells of the end that Bun leaves out once our side has ended', () => {
  const { socket, transport, sink } = opened()
  transport.end()
  BunTransport.events.close(socket)
  assert.deepEqual([sink.calls, sink.error], [['ended', 'closed'], undefined])
})

test('tells of a peer that has closed a Unix socket as a broken pipe', () => {
  const { socket, sink } = opened()
  BunTransport.events.end(socket)
  BunTransport.events.close(socket)
  assert.equal((sink.error!.cause as { code?: string }).code, 'EPIPE')
})

test('queues writes until it is connected, and none is lost if that fails', () => {
  const clock = new FakeClock()
  const explain = (cause: Error | undefined) => new TransportError(cause?.message ?? 'dropped', { cause })
  const settings = { clock, encrypted: false, explain }
  const transport = new BunTransport(settings)
  const sink = new RecordingSink()
  transport.start(sink)
  transport.write(Uint8Array.of(1), Uint8Array.of(2))
  assert.deepEqual([transport.pendingBytes, transport.peer.address], [2, undefined])
  const socket = new FakeSocket()
  transport.connected(socket)
  assert.deepEqual([socket.taken, sink.calls, transport.peer.address], [[1, 2], ['drained'], '192.0.2.1'])
  const refused = new BunTransport(settings)
  const refusedSink = new RecordingSink()
  refused.start(refusedSink)
  refused.write(Uint8Array.of(1))
  refused.failed(new Error('refused'))
  assert.deepEqual([refused.pendingBytes, refusedSink.calls, refusedSink.error?.message], [1, ['closed'], 'refused'])
})

test('is not used on Node', () => {
  assert.equal(bunApi(), undefined)
})
