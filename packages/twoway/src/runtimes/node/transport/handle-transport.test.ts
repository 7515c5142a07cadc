import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type ListenOptions } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { type ConnectedPair, transportContract } from 'twoway-testing/contracts/transport.contract.js'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { TransportError } from '../../../core/errors.js'
import type { Transport } from '../../../ports/transport.js'
import { nodeConnector } from '../connect/connector.js'
import { hasHandles, tryHandles } from '../internals/handle-trial.js'
import { tcpWrap } from '../internals/tcp-wrap.js'
import { acceptTransports } from './choose-transport.js'
import { HandleTransport } from './handle-transport.js'

await tryHandles()

const tcp: ListenOptions = { port: 0, host: '127.0.0.1' }

/** The accepted end, and the one that connected. */
async function joinedBy(listen: ListenOptions): Promise<{ accepted: Transport; connected: Transport; end(): void }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
  server.listen(listen)
  await once(server, 'listening')
  const accepted = new Promise<Transport>((resolve) => acceptTransports(server, resolve))
  const { port } = server.address() as AddressInfo
  const target = { host: '127.0.0.1', port: port ?? 0, tls: undefined }
  const connected = nodeConnector.connect({ ...target, ...(listen.path && { socketPath: listen.path }) })
  return { accepted: await accepted, connected, end: () => server.close() }
}

describe('a transport over a handle', { skip: !hasHandles() }, () => {
  transportContract('a TCP handle that was accepted', async (): Promise<ConnectedPair> => {
    const { accepted, connected, end } = await joinedBy(tcp)
    return { near: accepted, far: connected, dispose: end }
  })

  transportContract('a TCP handle that connected', async (): Promise<ConnectedPair> => {
    const { accepted, connected, end } = await joinedBy(tcp)
    return { near: connected, far: accepted, dispose: end }
  })

  async function pair(context: TestContext, listen = tcp) {
    const { accepted, connected, end } = await joinedBy(listen)
    assert.ok(accepted instanceof HandleTransport)
    const sinks = [new RecordingSink(), new RecordingSink()] as const
    accepted.start(sinks[0])
    connected.start(sinks[1])
    context.after(() => {
      accepted.destroy()
      connected.destroy()
      end()
    })
    return { accepted, connected, acceptedSink: sinks[0], connectedSink: sinks[1] }
  }

  test('knows its peer, also once that is gone', async (context) => {
    const { accepted, connected, acceptedSink } = await pair(context)
    const { peer } = accepted
    assert.deepEqual([peer.address, typeof peer.port, peer.encrypted], ['127.0.0.1', 'number', false])
    connected.destroy()
    await acceptedSink.untilCalled('ended')
    accepted.destroy()
    await acceptedSink.untilCalled('closed')
    assert.deepEqual(accepted.peer, peer)
  })

  test('serves a Unix socket, whose peer has no address and no reset', async (context) => {
    const path = join(tmpdir(), `twoway-handle-${process.pid}.sock`)
    const { accepted, connected, acceptedSink, connectedSink } = await pair(context, { path })
    accepted.write(Buffer.from('to '), Buffer.from('you'))
    connected.write(Buffer.from('to me'))
    await connectedSink.untilText('to you')
    await acceptedSink.untilText('to me')
    assert.deepEqual(accepted.peer, { address: undefined, port: undefined, encrypted: false })
    accepted.destroy(true)
    await acceptedSink.untilCalled('closed')
    await connectedSink.until(() => connectedSink.calls.includes('ended') || connectedSink.calls.includes('closed'))
  })

  test('destroys with a reset where it is asked to, and with an end where not', async (context) => {
    for (const reset of [true, false]) {
      const { accepted, connectedSink } = await pair(context)
      accepted.write(Buffer.from('x'))
      await connectedSink.untilText('x')
      accepted.destroy(reset)
      await connectedSink.until(() => connectedSink.calls.includes('ended') || connectedSink.calls.includes('closed'))
      assert.equal(
        (connectedSink.error?.cause as { code?: string } | undefined)?.code,
        reset ? 'ECONNRESET' : undefined,
      )
    }
  })

  test('closes where a reset is asked for after its side has ended', async (context) => {
    const { accepted, acceptedSink, connectedSink } = await pair(context)
    accepted.end()
    await connectedSink.untilCalled('ended')
    accepted.destroy(true)
    await acceptedSink.untilCalled('closed')
    assert.equal(acceptedSink.error, undefined)
  })

  test('closes where the system refuses the reset', async (context) => {
    const { accepted, acceptedSink, connectedSink } = await pair(context)
    context.mock.method(tcpWrap().TCP.prototype as { reset(): number }, 'reset', () => -22)
    accepted.destroy(true)
    await acceptedSink.untilCalled('closed')
    await connectedSink.untilCalled('ended')
    assert.equal(acceptedSink.error, undefined)
  })

  test('gives its failure a cause as Node makes it', async (context) => {
    const { accepted, connected, acceptedSink } = await pair(context)
    accepted.write(Buffer.from('x'))
    connected.destroy(true)
    await acceptedSink.untilCalled('closed')
    assert.ok(acceptedSink.error instanceof TransportError)
    const { code, syscall, errno, message } = acceptedSink.error.cause as NodeJS.ErrnoException
    assert.deepEqual([code, syscall, typeof errno, message], ['ECONNRESET', 'read', 'number', 'read ECONNRESET'])
  })

  test('tells of a reset once, while bytes still wait to be written', async (context) => {
    const { accepted, connected, acceptedSink } = await pair(context)
    connected.pause()
    accepted.write(new Uint8Array(32 << 20))
    assert.ok(accepted.pendingBytes > 0)
    connected.destroy(true)
    await acceptedSink.untilCalled('closed')
    const { pendingBytes } = accepted
    accepted.write(Buffer.from('late'))
    accepted.end()
    accepted.destroy()
    for (let turns = 0; turns < 3; turns += 1) await new Promise(setImmediate)
    assert.equal(accepted.pendingBytes, pendingBytes + 4)
    assert.deepEqual(
      acceptedSink.calls.filter((call) => call === 'closed' || call === 'ended'),
      ['closed'],
    )
  })

  test('keeps what the kernel has not taken yet, though nobody else does', async (context) => {
    assert.ok(typeof gc === 'function', 'run with --expose-gc')
    const { accepted, connected, connectedSink } = await pair(context)
    connected.pause()
    for (const value of [1, 2, 3, 4]) accepted.write(new Uint8Array(8 << 20).fill(value), new Uint8Array(10).fill(9))
    gc()
    const others = Array.from({ length: 8 }, () => new Uint8Array(8 << 20).fill(7))
    connected.resume()
    const length = 4 * ((8 << 20) + 10)
    await connectedSink.until(() => connectedSink.receivedBytes === length)
    const { bytes } = connectedSink
    for (const value of [1, 2, 3, 4]) {
      const start = (value - 1) * ((8 << 20) + 10)
      assert.ok(bytes.subarray(start, start + (8 << 20)).every((byte) => byte === value))
      assert.ok(bytes.subarray(start + (8 << 20), start + (8 << 20) + 10).every((byte) => byte === 9))
    }
    assert.equal(others.length, 8)
  })

  test('joins what waits in as few writes as it can', async (context) => {
    const { accepted, connected, connectedSink, acceptedSink } = await pair(context)
    connected.pause()
    accepted.write(new Uint8Array(8 << 20))
    for (let count = 0; count < 3000; count += 1) accepted.write(Uint8Array.of(count), Uint8Array.of(count >> 8))
    assert.ok(accepted.pendingBytes > 6000)
    connected.resume()
    await acceptedSink.untilCalled('drained')
    await connectedSink.until(() => connectedSink.receivedBytes === (8 << 20) + 6000)
    const tail = connectedSink.bytes.subarray(8 << 20)
    for (let count = 0; count < 3000; count += 1) assert.equal(tail.readUInt16LE(2 * count), count)
  })
})
