import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { type ConnectedPair, transportContract } from 'twoway-testing/contracts/transport.contract.js'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { selfSignedCertificate } from 'twoway-testing/peers/certificate.js'
import { TransportError } from '../../../core/errors.js'
import type { Transport } from '../../../ports/transport.js'
import { nodeConnector } from '../connect/connector.js'
import { tryHandles } from '../internals/handle-trial.js'
import { chooseTransport } from './choose-transport.js'
import { StreamTransport } from './stream-transport.js'

await tryHandles()

for (const take of [onStream, chosen]) {
  transportContract(`TCP loopback, ${take.name}`, async () => {
    return joinedBy(createServer(), 'connection', undefined, take)
  })

  transportContract(`TLS loopback, ${take.name}`, async () => {
    const certificate = await selfSignedCertificate()
    return joinedBy(createTlsServer(certificate), 'secureConnection', { ca: certificate.cert }, take)
  })
}

function onStream(socket: Socket): Transport {
  return new StreamTransport(socket)
}

function chosen(socket: Socket): Transport {
  return chooseTransport(socket, {})
}

async function joinedBy(
  server: Server,
  event: 'connection' | 'secureConnection',
  tls: { readonly ca: string } | undefined,
  take: (socket: Socket) => Transport = onStream,
): Promise<ConnectedPair> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = new Promise<Socket>((resolve) => server.once(event, resolve))
  const near = nodeConnector.connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, tls })
  const far = take(await accepted)
  return { near, far, dispose: () => server.close() }
}

for (const [name, open] of [
  ['TCP', () => joinedBy(createServer(), 'connection', undefined)],
  [
    'TLS',
    async () => {
      const certificate = await selfSignedCertificate()
      return joinedBy(createTlsServer(certificate), 'secureConnection', { ca: certificate.cert })
    },
  ],
] as const) {
  test(`destroys with a reset over ${name} where it is asked to, and with an end where not`, async () => {
    for (const reset of [true, false]) {
      const { near, far, dispose } = await open()
      const sink = new RecordingSink()
      near.start(sink)
      far.start(new RecordingSink())
      far.write(Buffer.from('x'))
      await sink.untilText('x')
      far.destroy(reset)
      await sink.until(() => sink.calls.includes('ended') || sink.calls.includes('closed'))
      assert.equal((sink.error?.cause as { code?: string } | undefined)?.code, reset ? 'ECONNRESET' : undefined)
      near.destroy()
      dispose()
    }
  })

  test(`closes over ${name} where a reset is asked for while its side ends`, async () => {
    const { near, far, dispose } = await open()
    const sink = new RecordingSink()
    near.start(new RecordingSink())
    far.start(sink)
    far.end()
    // Node has told the system to end our side, and has no answer yet.
    await new Promise<void>((resolve) => process.nextTick(resolve))
    far.destroy(true)
    await sink.untilCalled('closed')
    near.destroy()
    dispose()
  })
}

test('destroys a stream that is no socket, though a reset is asked for', () => {
  const stream = new TestStream()
  new StreamTransport(stream).destroy(true)
  assert.ok(stream.destroyed)
})

/** A stream whose reads and writes are under the test's hands. */
class TestStream extends Duplex {
  readonly written: Buffer[] = []
  taken: (() => void) | undefined

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, callback: () => void): void {
    this.written.push(chunk)
    this.taken = callback
  }
}

test('delivers the bytes that were read already first, and no sooner than it is started and not paused', async () => {
  const stream = new TestStream()
  const transport = new StreamTransport(stream, { head: Buffer.from('head ') })
  stream.push('tail')
  stream.push(null)
  transport.pause()
  const sink = new RecordingSink()
  transport.start(sink)
  await events()
  assert.deepEqual(sink.calls, [])
  transport.resume()
  await sink.untilCalled('ended')
  assert.equal(sink.text, 'head tail')
})

test('delivers the bytes that were read already before an end that came before start', async () => {
  const stream = new TestStream()
  const transport = new StreamTransport(stream, { head: Buffer.from('head') })
  stream.push(null)
  stream.resume()
  await once(stream, 'end')
  const sink = new RecordingSink()
  transport.start(sink)
  await sink.untilCalled('ended')
  assert.deepEqual([sink.text, sink.calls], ['head', ['received', 'ended']])
})

test('stays paused when its sink pauses on the bytes that were read already', async () => {
  const stream = new TestStream()
  const transport = new StreamTransport(stream, { head: Buffer.from('head ') })
  stream.push('tail')
  const sink = new RecordingSink()
  sink.onReceived = () => transport.pause()
  transport.start(sink)
  await events()
  assert.equal(sink.text, 'head ')
  transport.resume()
  await sink.untilText('head tail')
})

test('gives long writes to the stream 256 KiB at a time, and ends it after the last', async () => {
  const stream = new TestStream({ allowHalfOpen: true })
  const transport = new StreamTransport(stream)
  const sink = new RecordingSink()
  transport.start(sink)
  transport.write(Buffer.from('small'))
  transport.write(Buffer.alloc(10), Buffer.alloc(600 << 10))
  transport.write(Buffer.from('after'))
  transport.end()
  const total = 5 + 10 + (600 << 10) + 5
  const pending = [transport.pendingBytes]
  while (transport.pendingBytes > 0) {
    stream.taken!()
    await events()
    pending.push(transport.pendingBytes)
  }
  assert.equal(pending[0], total)
  assert.ok(
    pending.every((value, at) => at === 0 || (value < pending[at - 1]! && pending[at - 1]! - value <= 256 << 10)),
  )
  assert.equal(Buffer.concat(stream.written).length, total)
  assert.equal(Buffer.concat(stream.written).subarray(-5).toString(), 'after')
  assert.deepEqual(sink.calls, ['drained'])
  await events()
  assert.ok(stream.writableFinished)
})

test("copies what a stream of another kind reads, as it may be someone else's", async () => {
  const stream = new TestStream()
  const sink = new RecordingSink()
  new StreamTransport(stream).start(sink)
  const shared = Buffer.from('shared')
  stream.push(shared)
  await sink.untilText('shared')
  assert.equal(shared.toString(), 'shared')
})

test('survives an error before start, and reports it then', async () => {
  const stream = new TestStream()
  const transport = new StreamTransport(stream)
  const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  stream.destroy(cause)
  await events()
  const sink = new RecordingSink()
  transport.start(sink)
  await sink.untilCalled('closed')
  assert.ok(sink.error instanceof TransportError)
  assert.equal(sink.error.message, 'the peer has reset the connection')
  assert.equal(sink.error.cause, cause)
})

test('reports a stream that someone else has destroyed as dropped', async () => {
  const stream = new TestStream()
  const sink = new RecordingSink()
  new StreamTransport(stream).start(sink)
  stream.destroy()
  await sink.untilCalled('closed')
  assert.match(String(sink.error), /TransportError: the connection was dropped before both sides had ended it/)
})

test('is lost by a write after someone else has ended the stream, and keeps the bytes pending', async () => {
  const stream = new TestStream({ allowHalfOpen: true })
  const transport = new StreamTransport(stream)
  const sink = new RecordingSink()
  transport.start(sink)
  stream.end()
  await events()
  transport.write(Buffer.from('late'))
  assert.equal(transport.pendingBytes, 4)
  await sink.untilCalled('closed')
  assert.deepEqual([sink.calls, transport.pendingBytes], [['closed'], 4])
  assert.match(String(sink.error), /TransportError: the connection was dropped before both sides had ended it/)
})

test("tells the peer's address, also of one that is gone", async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  const transport = new StreamTransport(socket)
  const peer = { address: '127.0.0.1', port: client.localPort, encrypted: false }
  assert.deepEqual(transport.peer, peer)
  transport.destroy()
  client.destroy()
  await once(socket, 'close')
  assert.deepEqual(transport.peer, peer)
  server.close()
})

async function events(): Promise<void> {
  for (let count = 0; count < 5; count += 1) await new Promise((resolve) => setImmediate(resolve))
}

test('keeps nothing of what has gone in a queue that never gets empty', async () => {
  const gc = globalThis.gc
  assert.ok(gc !== undefined, 'run with --expose-gc')
  const stream = new TestStream()
  const transport = new StreamTransport(stream)
  transport.start(new RecordingSink())
  const length = 300 << 10
  const gone: WeakRef<Uint8Array>[] = []
  for (let round = 0; round < 200; round += 1) {
    const bytes = new Uint8Array(length)
    gone.push(new WeakRef(bytes))
    transport.write(bytes)
    if (round < 4) continue
    while (transport.pendingBytes > 4 * length) {
      const { taken } = stream
      stream.taken = undefined
      stream.written.length = 0
      taken?.()
      await events()
    }
  }
  await events()
  gc()
  const kept = gone.filter((reference) => reference.deref() !== undefined).length
  assert.ok(kept < 20, `${kept} of ${gone.length} are kept`)
})

test('tells of its end where it is destroyed after the stream has closed while it was paused', async () => {
  const stream = new TestStream()
  const transport = new StreamTransport(stream)
  const sink = new RecordingSink()
  transport.start(sink)
  await events()
  transport.pause()
  transport.end()
  stream.push(null)
  await events()
  stream.destroy()
  await events()
  transport.destroy()
  await sink.untilCalled('closed')
  assert.equal(sink.calls.at(-1), 'closed')
})
