import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { transportContract } from 'twoway-testing/contracts/transport.contract.js'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import { TransportError } from '../../../core/errors.js'
import { DeferredTransport } from './deferred-transport.js'
import { StreamTransport } from './stream-transport.js'

for (const isLate of [false, true]) {
  transportContract(`deferred, and there ${isLate ? 'after some events' : 'at once'}`, async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const far = new StreamTransport((await accepted)[0])
    let isAbandoned = false
    const near = new DeferredTransport(false, () => {
      isAbandoned = true
      socket.destroy()
    })
    const inner = new StreamTransport(socket)
    const settle = (): void => {
      if (!isAbandoned) near.settle(inner)
    }
    // The contract's tests make their calls meanwhile; some of them wait for twenty events.
    if (isLate) afterEvents(10, settle)
    else settle()
    return { near, far, dispose: () => server.close() }
  })
}

function afterEvents(count: number, callback: () => void): void {
  if (count === 0) callback()
  else setImmediate(afterEvents, count - 1, callback)
}

test('has done what was asked of it before, in its order', () => {
  const transport = new DeferredTransport(true, () => assert.fail())
  const inner = new RecordingTransport()
  const sink = new RecordingSink()
  assert.deepEqual(transport.peer, { address: undefined, port: undefined, encrypted: true })
  transport.pause()
  transport.start(sink)
  transport.write(Buffer.from('a'), Buffer.from('b'))
  transport.write(Buffer.from('c'))
  assert.equal(transport.pendingBytes, 3)
  transport.end()
  transport.write(Buffer.from('ignored'))
  transport.settle(inner)
  assert.deepEqual(inner.calls, ['pause', 'write', 'write', 'write', 'end'])
  assert.equal(Buffer.from(inner.written).toString(), 'abc')
  assert.equal(inner.sink, sink)
  assert.deepEqual(sink.calls, ['drained'])
  assert.equal(transport.pendingBytes, 0)
})

test('leaves it to a transport that takes its time to tell that what was pending has gone', () => {
  const transport = new DeferredTransport(false, () => assert.fail())
  const inner = new RecordingTransport()
  const sink = new RecordingSink()
  inner.isFull = true
  transport.start(sink)
  transport.write(Buffer.from('abc'))
  transport.settle(inner)
  assert.equal(transport.pendingBytes, 3)
  assert.deepEqual(sink.calls, [])
  inner.drain()
  assert.deepEqual(sink.calls, ['drained'])
})

test('is not paused where it was resumed before, and takes the last sink', () => {
  const transport = new DeferredTransport(false, () => assert.fail())
  const inner = new RecordingTransport()
  const sink = new RecordingSink()
  transport.pause()
  transport.start(new RecordingSink())
  transport.start(sink)
  transport.resume()
  transport.settle(inner)
  assert.deepEqual([inner.calls, sink.calls], [[], []])
  assert.equal(inner.sink, sink)
})

test('passes on what is asked of it once it is there', () => {
  const transport = new DeferredTransport(false, () => assert.fail())
  const inner = new RecordingTransport()
  const sink = new RecordingSink()
  transport.settle(inner)
  transport.start(sink)
  transport.write(Buffer.from('a'))
  transport.pause()
  transport.resume()
  transport.end()
  transport.destroy()
  assert.deepEqual(inner.calls, ['write', 'pause', 'resume', 'end', 'destroy'])
  assert.equal(inner.sink, sink)
  assert.equal(transport.peer, inner.peer)
})

test('reports its destroy later than that returns, once, and abandons what was to come', async () => {
  let abandoned = 0
  const transport = new DeferredTransport(false, () => {
    abandoned += 1
  })
  const sink = new RecordingSink()
  transport.start(sink)
  transport.write(Buffer.from('a'))
  transport.destroy()
  transport.destroy()
  transport.fail(new TransportError('too late'))
  transport.write(Buffer.from('b'))
  assert.deepEqual([sink.calls, abandoned, transport.pendingBytes], [[], 1, 2])
  await sink.untilCalled('closed')
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([sink.calls, sink.error], [['closed'], undefined])
})

test('reports that there will be none, to whoever starts it', async () => {
  for (const isStarted of [true, false]) {
    const transport = new DeferredTransport(false, () => assert.fail())
    const sink = new RecordingSink()
    if (isStarted) transport.start(sink)
    const error = new TransportError('no')
    transport.fail(error)
    if (!isStarted) transport.start(sink)
    assert.equal(sink.calls.length, isStarted ? 1 : 0)
    await sink.untilCalled('closed')
    transport.destroy()
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([sink.calls, sink.error], [['closed'], error])
  }
})
