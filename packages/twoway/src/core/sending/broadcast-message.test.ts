import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toHex, utf8 } from 'twoway-testing/bytes.js'
import { ConnectionHarness } from 'twoway-testing/harnesses/connection-harness.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import type { DeflateCodec } from '../../ports/deflate-codec.js'
import { createNodeDeflateCodec } from '../../runtimes/node/deflate/deflate-codec.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { parseExtensions } from '../extensions/extension-header.js'
import { DeflateNegotiator } from '../extensions/permessage-deflate/deflate-negotiator.js'
import { type PerMessageDeflateOptions, settleDeflate } from '../extensions/permessage-deflate/deflate-options.js'
import { BroadcastMessage } from './broadcast-message.js'
import { ScratchPool } from './scratch-pool.js'

/** A codec that counts the compressed messages. */
function countingCodec(): { readonly codec: DeflateCodec; readonly calls: () => number } {
  const codec = createNodeDeflateCodec(true)
  const counted = new Map<unknown, unknown>()
  let calls = 0
  return {
    calls: () => calls,
    codec: {
      ...codec,
      compressors(parameters) {
        const source = codec.compressors(parameters)
        const counting = {
          take() {
            const compressor = source.take()
            return {
              release: () => compressor.release(),
              deflate(...deflated: Parameters<typeof compressor.deflate>) {
                calls += 1
                return compressor.deflate(...deflated)
              },
            }
          },
        }
        if (!counted.has(source)) counted.set(source, counting)
        return counted.get(source) as typeof source
      },
    },
  }
}

interface Ends {
  readonly server: ConnectionHarness
  readonly client: ConnectionHarness
}

/** Connections of one server to clients with the given offers in turn. */
function connectionsOf(
  codec: DeflateCodec,
  options: PerMessageDeflateOptions,
  offers: readonly object[],
  count: number,
) {
  const ports = { codec, clock: new FakeClock(), scratchPool: new ScratchPool(webPayload) }
  const accepting = new DeflateNegotiator(settleDeflate(options, 'server'), ports)
  return Array.from({ length: count }, (_, index): Ends => {
    const offering = new DeflateNegotiator(settleDeflate(offers[index % offers.length]!, 'client'), ports)
    const { answer, extension } = accepting.accept(offering.offers[0]!)!
    return {
      server: new ConnectionHarness({ extension }),
      client: new ConnectionHarness({ role: 'client', extension: offering.confirm(parseExtensions(answer)![0]!)! }),
    }
  })
}

function broadcast(ends: readonly Ends[], message: string | Uint8Array, compress?: boolean): void {
  const broadcast = new BroadcastMessage(message, { payload: webPayload, clock: ends[0]!.server.clock })
  for (const { server } of ends) server.connection.send(broadcast, compress)
}

/** Delivers written bytes until each client has the given number of messages. */
async function deliver(ends: readonly Ends[], messages: number): Promise<void> {
  for (let turn = 0; turn < 5000; turn += 1) {
    for (const { server, client } of ends) {
      server.clock.runTasks()
      if (server.transport.written.length > 0) client.receive(server.transport.written)
      server.transport.clear()
      client.clock.runTasks()
    }
    if (ends.every(({ client }) => client.log.length >= messages)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.fail('it does not come')
}

function assertAllGot(ends: readonly Ends[], messages: readonly (string | Uint8Array)[]): void {
  const expected = messages.map((sent) => (typeof sent === 'string' ? `text ${sent}` : `binary ${toHex(sent)}`))
  for (const { client } of ends) assert.deepEqual(client.log, expected)
}

const text = 'broadcast to each of them, é '.repeat(50)
const long = utf8(text.repeat(50))

describe('BroadcastMessage: compressed', () => {
  for (const [name, message] of Object.entries({ 'a short message': text, 'a long message': long })) {
    it(`compresses ${name} once for a hundred connections that take no context over`, async () => {
      const { codec, calls } = countingCodec()
      const ends = connectionsOf(codec, {}, [{}], 100)
      broadcast(ends, message)
      for (const { server } of ends) server.connection.send('behind')
      await deliver(ends, 2)
      assert.equal(calls(), 1)
      assertAllGot(ends, [message, 'behind'])
      assert.ok(ends.every(({ server }) => server.connection.framedBytes < 1000))
    })
  }

  it('compresses once for each set of parameters', async () => {
    const { codec, calls } = countingCodec()
    const ends = connectionsOf(codec, {}, [{}, { serverMaxWindowBits: 10 }, { serverMaxWindowBits: 12 }], 99)
    broadcast(ends, text)
    await deliver(ends, 1)
    assert.equal(calls(), 3)
    assertAllGot(ends, [text])
  })

  it('compresses for each connection with takeover by itself', async () => {
    const { codec, calls } = countingCodec()
    const ends = connectionsOf(codec, { serverNoContextTakeover: false }, [{}], 20)
    for (let round = 0; round < 2; round += 1) broadcast(ends, text)
    await deliver(ends, 2)
    assert.equal(calls(), 40)
    assertAllGot(ends, [text, text])
  })

  it('respects the threshold and `compress`, and does not send a longer result', async () => {
    const { codec, calls } = countingCodec()
    const ends = connectionsOf(codec, { thresholdBytes: 20 }, [{}], 3)
    const heads = (message: string, compress?: boolean): string => {
      broadcast(ends, message, compress)
      return ends
        .map(({ server }) => {
          server.clock.runTasks()
          const head = toHex(server.transport.written.subarray(0, 1))
          server.transport.clear()
          return head
        })
        .join(' ')
    }
    assert.equal(heads('a'.repeat(19)), '81 81 81')
    assert.equal(heads('ä'.repeat(10)), 'c1 c1 c1')
    assert.equal(heads(text, false), '81 81 81')
    assert.equal(heads('aaaaaaaaaaaa', true), 'c1 c1 c1')
    assert.equal(calls(), 2)
    assert.equal(heads('qwertyuiopasdfghjklzxcvbnm1234567890'), '81 81 81')
    assert.equal(calls(), 3)
  })

  it('allows bytes to be changed at once, even while they wait', async () => {
    const { codec } = countingCodec()
    const ends = [
      ...connectionsOf(codec, {}, [{}], 2),
      ...connectionsOf(codec, { serverNoContextTakeover: false }, [{}], 2),
    ]
    const bytes = Uint8Array.from(long)
    broadcast(ends, bytes)
    const second = Uint8Array.from(long)
    broadcast(ends, second)
    bytes.fill(0)
    second.fill(0)
    await deliver(ends, 2)
    assertAllGot(ends, [long, long])
  })

  it('reaches the others if a connection closes meanwhile', async () => {
    const { codec, calls } = countingCodec()
    const [first, ...others] = connectionsOf(codec, {}, [{}], 3)
    broadcast([first!, ...others], long)
    first!.server.connection.terminate()
    await deliver(others, 1)
    assertAllGot(others, [long])
    assert.equal(calls(), 1)
    first!.server.clock.runTasks()
    assert.equal(first!.server.transport.written.length, 0)
  })
})
