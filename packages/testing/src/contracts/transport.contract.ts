import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { TransportError } from '../../../twoway/dist/core/errors.js'
import type { Transport } from '../../../twoway/dist/ports/transport.js'
import { RecordingSink } from '../harnesses/recording-sink.js'

/** Two ends of one connection, neither started. `dispose` frees the resources below them. */
export interface ConnectedPair {
  readonly near: Transport
  readonly far: Transport
  dispose(): void
}

/** More than a kernel or a pair in memory buffers. */
const floodBytes = 16 << 20

/** The rules of the transport port, for one implementation of it. */
export function transportContract(name: string, makePair: () => Promise<ConnectedPair>): void {
  async function connected(context: TestContext): Promise<{ near: Transport; far: Transport }> {
    const pair = await makePair()
    context.after(() => {
      pair.near.destroy()
      pair.far.destroy()
      pair.dispose()
    })
    return pair
  }

  describe(`transport: ${name}`, { timeout: 120_000 }, () => {
    test('delivers all written bytes, in order, both ways', async (context) => {
      const { near, far } = await connected(context)
      const [nearSink, farSink] = started(near, far)
      near.write(bytesOf('one '), bytesOf('two '))
      near.write(bytesOf('three'))
      far.write(bytesOf('four'))
      await farSink.untilText('one two three')
      await nearSink.untilText('four')
      assert.deepEqual(farSink.calls.concat(nearSink.calls).includes('ended'), false)
    })

    test('accepts empty writes', async (context) => {
      const { near, far } = await connected(context)
      const [, farSink] = started(near, far)
      near.write(bytesOf(''))
      near.write(bytesOf(''), bytesOf('x'))
      near.write(bytesOf('y'), bytesOf(''))
      await farSink.untilText('xy')
    })

    test('keeps bytes that arrive before start, and delivers them after start returns', async (context) => {
      const { near, far } = await connected(context)
      const farSink = new RecordingSink()
      near.write(bytesOf('early'))
      near.end()
      await otherEvents()
      far.start(farSink)
      assert.deepEqual(farSink.calls, [])
      await farSink.untilCalled('ended')
      assert.equal(farSink.text, 'early')
      assert.deepEqual(farSink.calls, ['received', 'ended'])
    })

    test('switches to another sink', async (context) => {
      const { near, far } = await connected(context)
      const [, first] = started(near, far)
      const second = new RecordingSink()
      near.write(bytesOf('first'))
      await first.untilText('first')
      far.start(second)
      near.write(bytesOf('second'))
      near.end()
      await second.untilCalled('ended')
      assert.equal(second.text, 'second')
      assert.deepEqual(first.calls.slice(0, 2), ['received'])
    })

    test('switches to another sink within received', async (context) => {
      const { near, far } = await connected(context)
      const [, first] = started(near, far)
      const second = new RecordingSink()
      first.onReceived = () => far.start(second)
      near.write(bytesOf('first'))
      await first.untilText('first')
      near.write(bytesOf('second'))
      await second.untilText('second')
      assert.equal(first.text, 'first')
    })

    test('never calls the sink from within a method', async (context) => {
      const { near, far } = await connected(context)
      far.write(bytesOf('waiting'))
      await otherEvents()
      const sink = new RecordingSink()
      for (const method of [
        () => near.start(sink),
        () => near.pause(),
        () => near.resume(),
        () => near.write(new Uint8Array(floodBytes)),
        () => near.pause(),
        () => near.resume(),
        () => near.end(),
        () => near.destroy(),
      ]) {
        const before = sink.calls.length
        method()
        assert.equal(sink.calls.length, before)
      }
      await sink.untilCalled('closed')
    })

    test('delivers nothing while paused and loses nothing', async (context) => {
      const { near, far } = await connected(context)
      const [, farSink] = started(near, far)
      const sent = patterned(3_000_000)
      let reads = 0
      farSink.onReceived = () => {
        reads += 1
        far.pause()
        const readsThen = reads
        setImmediate(() => {
          assert.equal(reads, readsThen)
          far.resume()
        })
      }
      near.write(sent)
      await farSink.until(() => farSink.receivedBytes === sent.length)
      assert.ok(farSink.bytes.equals(sent))
    })

    test('stays paused if it was paused before start', async (context) => {
      const { near, far } = await connected(context)
      const farSink = new RecordingSink()
      far.pause()
      far.start(farSink)
      near.write(bytesOf('x'))
      near.end()
      await otherEvents()
      assert.deepEqual(farSink.calls, [])
      far.resume()
      await farSink.untilCalled('ended')
      assert.deepEqual(farSink.calls, ['received', 'ended'])
    })

    test('counts the bytes that the peer does not read as pending, and reports once when they are written', async (context) => {
      const { near, far } = await connected(context)
      const [nearSink, farSink] = started(near, far)
      far.pause()
      near.write(new Uint8Array(floodBytes), bytesOf('more'))
      await otherEvents()
      const pending = near.pendingBytes
      assert.ok(pending > 0 && pending <= floodBytes + 4)
      near.write(bytesOf('!'))
      assert.ok(near.pendingBytes > 0)
      assert.deepEqual(nearSink.calls, [])
      far.resume()
      await farSink.until(() => farSink.receivedBytes === floodBytes + 5)
      await nearSink.untilCalled('drained')
      assert.equal(near.pendingBytes, 0)
      await otherEvents()
      assert.deepEqual(nearSink.calls, ['drained'])
      assert.equal(farSink.bytes.subarray(floodBytes).toString(), 'more!')
    })

    test('reduces pendingBytes while the peer reads', async (context) => {
      const { near, far } = await connected(context)
      const [nearSink, farSink] = started(near, far)
      far.pause()
      near.write(new Uint8Array(floodBytes))
      await otherEvents()
      // A transport may hand over all writes that wait as one, so the second waits behind the first,
      // which cannot end before the peer reads, and is itself longer than the network can hold.
      near.write(new Uint8Array(floodBytes))
      const highest = near.pendingBytes
      let hasFallen = false
      const sample = () => {
        const pending = near.pendingBytes
        hasFallen ||= pending > 0 && pending < highest
      }
      let nextTurn = setImmediate(function sampleEachTurn() {
        sample()
        nextTurn = setImmediate(sampleEachTurn)
      })
      context.after(() => clearImmediate(nextTurn))
      farSink.onReceived = sample
      far.resume()
      await nearSink.untilCalled('drained')
      assert.ok(hasFallen)
    })

    test('reports each time that no byte is pending any more', async (context) => {
      const { near, far } = await connected(context)
      const [nearSink] = started(near, far)
      for (let round = 1; round <= 3; round += 1) {
        near.write(new Uint8Array(floodBytes))
        await nearSink.until(() => nearSink.calls.length === round)
      }
      assert.deepEqual(nearSink.calls, ['drained', 'drained', 'drained'])
    })

    test('leaves written bytes unchanged', async (context) => {
      const { near, far } = await connected(context)
      const [, farSink] = started(near, far)
      const sent = patterned(500_000)
      near.write(sent, sent)
      await farSink.until(() => farSink.receivedBytes === 2 * sent.length)
      assert.ok(sent.equals(patterned(500_000)))
    })

    test('ends its side after all written bytes, and still receives', async (context) => {
      const { near, far } = await connected(context)
      const [nearSink, farSink] = started(near, far)
      near.write(patterned(floodBytes), bytesOf('last'))
      near.end()
      near.write(bytesOf('ignored'))
      await farSink.untilCalled('ended')
      assert.equal(farSink.receivedBytes, floodBytes + 4)
      assert.ok(farSink.bytes.subarray(floodBytes).equals(bytesOf('last')))
      far.write(bytesOf('answer'))
      await nearSink.untilText('answer')
      assert.ok(!nearSink.calls.includes('closed') && !farSink.calls.includes('closed'))
      far.end()
      await Promise.all([nearSink.untilCalled('closed'), farSink.untilCalled('closed')])
      // Under TLS no write goes out at once.
      const farCalls = farSink.calls.filter((call) => call !== 'drained')
      assert.deepEqual(farCalls, ['received', 'ended', 'closed'])
      assert.deepEqual(nearSink.calls.slice(-3), ['received', 'ended', 'closed'])
      assert.deepEqual([nearSink.error, farSink.error], [undefined, undefined])
    })

    test('reports the end of the stream after the bytes before it, also if paused', async (context) => {
      const { near, far } = await connected(context)
      const [nearSink, farSink] = started(near, far)
      far.pause()
      far.end()
      near.write(bytesOf('x'))
      near.end()
      await nearSink.untilCalled('ended')
      await otherEvents()
      assert.deepEqual(farSink.calls, [])
      far.resume()
      await farSink.untilCalled('closed')
      assert.deepEqual(farSink.calls, ['received', 'ended', 'closed'])
      assert.equal(farSink.error, undefined)
    })

    test('reports an end without bytes after resume', async (context) => {
      const { near, far } = await connected(context)
      const [nearSink, farSink] = started(near, far)
      far.pause()
      far.end()
      near.end()
      await nearSink.untilCalled('ended')
      await otherEvents()
      assert.deepEqual(farSink.calls, [])
      far.resume()
      await farSink.untilCalled('closed')
      assert.deepEqual(farSink.calls, ['ended', 'closed'])
    })

    test('drops the connection together with pending bytes', async (context) => {
      const { near, far } = await connected(context)
      const [nearSink, farSink] = started(near, far)
      far.pause()
      near.write(new Uint8Array(floodBytes))
      const pending = near.pendingBytes
      near.destroy()
      near.destroy()
      assert.equal(near.pendingBytes, pending)
      near.write(bytesOf('lost'))
      near.end()
      assert.equal(near.pendingBytes, pending + 4)
      await nearSink.untilCalled('closed')
      assert.equal(near.pendingBytes, pending + 4)
      far.resume()
      await farSink.until(() => farSink.calls.includes('ended') || farSink.calls.includes('closed'))
      assert.deepEqual(nearSink.calls, ['closed'])
      assert.equal(nearSink.error, undefined)
      assert.ok(farSink.receivedBytes < floodBytes)
    })

    test('calls only closed after destroy within received', async (context) => {
      const { near, far } = await connected(context)
      far.write(bytesOf('a'))
      far.write(bytesOf('b'))
      far.end()
      await otherEvents()
      const sink = new RecordingSink()
      sink.onReceived = () => near.destroy()
      near.start(sink)
      await sink.untilCalled('closed')
      await otherEvents()
      assert.deepEqual(sink.calls, ['received', 'closed'])
    })

    test('reports a reset with its cause, also while paused', async (context) => {
      const { near, far } = await connected(context)
      const [nearSink] = started(near, far)
      far.pause()
      near.pause()
      near.write(new Uint8Array(floodBytes))
      await otherEvents()
      const pending = near.pendingBytes
      // Closing with unread bytes resets the connection, RFC 1122 §4.2.2.13.
      far.destroy()
      await nearSink.untilCalled('closed')
      assert.deepEqual(nearSink.calls, ['closed'])
      assertIsReset(nearSink.error)
      assert.ok(pending > 0)
      assert.equal(near.pendingBytes, pending)
      near.write(bytesOf('lost'))
      assert.equal(near.pendingBytes, pending + 4)
    })

    test('reports a reset from before start after start returns', async (context) => {
      const { near, far } = await connected(context)
      near.write(new Uint8Array(floodBytes))
      await otherEvents()
      far.destroy()
      await otherEvents()
      const sink = new RecordingSink()
      near.start(sink)
      assert.deepEqual(sink.calls, [])
      await sink.untilCalled('closed')
      assertIsReset(sink.error)
    })

    test('reports its own destroy from before start', async (context) => {
      const { near } = await connected(context)
      near.destroy()
      await otherEvents()
      const sink = new RecordingSink()
      near.start(sink)
      assert.deepEqual(sink.calls, [])
      await sink.untilCalled('closed')
      assert.deepEqual([sink.calls, sink.error], [['closed'], undefined])
    })

    test('does not throw on a write to a peer that is gone', async (context) => {
      const { near, far } = await connected(context)
      const [nearSink] = started(near, far)
      far.destroy()
      // Deno closes TCP a tenth of a second after TLS.
      while (!nearSink.calls.includes('closed')) {
        near.write(bytesOf('x'))
        await otherEvents()
      }
      assert.deepEqual(nearSink.calls.slice(-1), ['closed'])
      assertIsReset(nearSink.error)
      near.write(bytesOf('x'))
      near.pause()
      near.resume()
      near.end()
      near.destroy()
    })

    test('knows whether its bytes are encrypted', async (context) => {
      const { near, far } = await connected(context)
      assert.equal(near.peer.encrypted, name.includes('TLS'))
      assert.equal(far.peer.encrypted, name.includes('TLS'))
    })
  })
}

function started(near: Transport, far: Transport): readonly [RecordingSink, RecordingSink] {
  const sinks = [new RecordingSink(), new RecordingSink()] as const
  near.start(sinks[0])
  far.start(sinks[1])
  return sinks
}

function assertIsReset(error: Error | undefined): void {
  assert.ok(error instanceof TransportError, String(error))
  assert.ok(error.cause instanceof Error)
}

/** Lets pending work in this process run. */
async function otherEvents(): Promise<void> {
  for (let count = 0; count < 20; count += 1) await new Promise((resolve) => setImmediate(resolve))
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

function patterned(length: number): Buffer {
  const pattern = Uint8Array.from({ length: 1 << 16 }, (_, at) => at * 31 + (at >>> 8))
  return Buffer.alloc(length, pattern)
}
