import assert from 'node:assert/strict'
import { test } from 'node:test'
import { transportContract } from 'twoway-testing/contracts/transport.contract.js'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { webClock } from '../web/clock.js'
import { memoryPair } from './memory-pair.js'

transportContract('memory pair', async () => {
  const [near, far] = memoryPair(webClock)
  return { near, far, dispose() {} }
})

test('holds 64 KiB on the way, and counts what is beyond as pending', () => {
  const [near] = memoryPair(webClock)
  near.write(new Uint8Array(64 << 10))
  assert.equal(near.pendingBytes, 0)
  near.write(new Uint8Array(3), new Uint8Array(2))
  assert.equal(near.pendingBytes, 5)
})

test('delivers what was on the way when an end is dropped, and not what was pending', async () => {
  const [near, far] = memoryPair(webClock)
  const sink = new RecordingSink()
  near.write(new Uint8Array(60_000))
  near.write(new Uint8Array(60_000))
  near.destroy()
  far.start(sink)
  await sink.untilCalled('ended')
  assert.equal(sink.receivedBytes, 64 << 10)
  assert.equal(sink.error, undefined)
})

test('delivers bytes that were taken back first, to whoever starts next', async () => {
  const [near, far] = memoryPair(webClock)
  const next = new RecordingSink()
  const first = new RecordingSink()
  near.write(Buffer.from('head early'))
  near.write(Buffer.from(' late'))
  first.onReceived = () => far.unread(Buffer.from('early'))
  far.start(first)
  await first.untilCalled('received')
  far.start(next)
  await next.untilText('early late')
  assert.equal(first.text, 'head early')
})

test('destroys with a reset where it is asked to', async () => {
  const [near, far] = memoryPair(webClock)
  const sink = new RecordingSink()
  far.start(sink)
  near.destroy(true)
  await sink.untilCalled('closed')
  assert.match(sink.error?.message ?? '', /reset/)
})
