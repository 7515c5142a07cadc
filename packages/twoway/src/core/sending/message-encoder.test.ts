import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, toHex, utf8 } from 'twoway-testing/bytes.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import type { Payload } from '../../ports/payload.js'
import { webPayload } from '../../runtimes/web/payload.js'
import type { Extension, SharedEncoder } from '../extensions/extension.js'
import { BroadcastMessage } from './broadcast-message.js'
import { FrameWriter } from './frame-writer.js'
import { MessageEncoder } from './message-encoder.js'
import { ScratchPool } from './scratch-pool.js'

interface SetUp {
  readonly masked?: boolean
  readonly shared?: SharedEncoder
  /** The lengths from which on the extension encodes messages, and does so asynchronously. */
  readonly least?: number
  readonly leastLater?: number
  /** Makes the output: one 'x' by default. Undefined leaves the message as it is. */
  readonly output?: (bytes: Uint8Array) => Uint8Array | undefined
}

/** An encoder whose extension replaces messages, and whose queue records what it is told. */
function setUp({ masked = false, shared, least = 1, leastLater = 1e9, output = () => utf8('x') }: SetUp = {}) {
  const log: string[] = []
  const asked: string[] = []
  const encoded: Uint8Array[] = []
  const later: (() => void)[] = []
  const payload: Payload = webPayload
  const clock = new FakeClock()
  const transport = new RecordingTransport()
  const scratchPool = new ScratchPool(payload)
  const random = { maskingKey: () => 0x3d21fa37, bytes: (length: number) => new Uint8Array(length) }
  const ports = { payload, clock, scratchPool, random }
  const frameWriter = new FrameWriter(transport, ports, masked ? random : undefined, { flushed() {} })
  const extension = {
    messageBits: 4,
    shared,
    wants(length: number, compress: boolean | undefined) {
      asked.push(`${length}`)
      return length >= least && compress !== false
    },
    encode(
      bytes: Uint8Array,
      start: number,
      end: number,
      last: boolean,
      most: number,
      done: (encoded: Uint8Array | undefined) => void,
    ) {
      const range = bytes.subarray(start, end)
      encoded.push(range)
      log.push(`encode ${range.length} to at most ${most}${last ? ', the last piece' : ''}`)
      if (range.length < leastLater) return output(range)
      later.push(() => done(output(range)))
      return 'later'
    },
  } as unknown as Extension
  const encoder = new MessageEncoder(extension, {
    frameWriter,
    ports,
    awaitEncoding: (length) => log.push(`await ${length}`),
    encoded(frame) {
      log.push('encoded')
      frame()
    },
    countFramed: (length, isEncoded) => log.push(`framed ${length} ${isEncoded ? 'encoded' : 'as it is'}`),
  })
  return {
    encoder,
    log,
    asked,
    encoded,
    ports,
    transport,
    finish: () => later.shift()!(),
    written() {
      frameWriter.flush()
      return toHex(transport.written)
    },
  }
}

const xFrame = (opcode: number, payload: string | Uint8Array = 'x') =>
  toHex(frame({ opcode, payload, reservedBits: 4 }))

describe('MessageEncoder', () => {
  it('marks an encoded message by the reserved bits of its frame, RFC 6455 §5.2', () => {
    for (const [message, opcode, length] of [
      ['text', 1, 4],
      ['字', 1, 3],
      [Uint8Array.of(1, 2, 3), 2, 3],
    ] as const) {
      const { encoder, log, written } = setUp()
      assert.equal(encoder.encode(message, undefined), length)
      assert.deepEqual(log, [`encode ${length} to at most ${length - 1}, the last piece`, `framed ${length} encoded`])
      assert.equal(written(), xFrame(opcode))
    }
  })

  it('leaves a message alone that the extension does not want', () => {
    const { encoder, log, written } = setUp({ least: 5 })
    for (const message of ['text', utf8('text'), '']) assert.equal(encoder.encode(message, undefined), 0)
    assert.equal(encoder.encode('a longer text', false), 0)
    assert.deepEqual(log, [])
    assert.equal(written(), '')
  })

  it('counts the bytes of a text only if its upper bound is long enough', () => {
    const { encoder, asked } = setUp({ least: 10 })
    encoder.encode('abc', undefined)
    encoder.encode('abcd', undefined)
    encoder.encode('字字字字', undefined)
    assert.deepEqual(asked, ['9', '12', '4', '12', '12'])
  })

  it('frames a message unmarked if the output would not be shorter', () => {
    const { encoder, log, written } = setUp({ output: () => undefined })
    assert.equal(encoder.encode('text', undefined), 4)
    assert.deepEqual(log.slice(1), ['framed 4 as it is'])
    assert.equal(written(), toHex(frame({ opcode: 1, payload: 'text' })))
  })

  it('has the queue wait for asynchronous encoding, and frames when the queue says so', () => {
    const { encoder, log, written, finish } = setUp({ leastLater: 4 })
    assert.equal(encoder.encode('text', undefined), 4)
    assert.deepEqual(log.slice(1), ['await 4'])
    assert.equal(written(), '')
    finish()
    assert.deepEqual(log.slice(2), ['encoded', 'framed 4 encoded'])
    assert.equal(written(), xFrame(1))
  })

  it('keeps the bytes of a short message, which the sender may change meanwhile', () => {
    const { encoder, written, finish } = setUp({ leastLater: 4, output: (bytes) => bytes.slice() })
    const message = utf8('text')
    encoder.encode(message, undefined)
    message.fill(0)
    finish()
    assert.equal(written(), xFrame(2, 'text'))
  })

  it("copies a client's long message, because masking changes bytes, and a server's not", () => {
    const message = new Uint8Array(10_000).fill(1)
    const client = setUp({ masked: true, output: () => undefined })
    client.encoder.encode(message, undefined)
    client.written()
    assert.notEqual(client.encoded[0]!.buffer, message.buffer)
    assert.ok(message.every((byte) => byte === 1))
    const server = setUp()
    server.encoder.encode(message, undefined)
    assert.equal(server.encoded[0]!.buffer, message.buffer)
  })

  it('copies long output, because the extension uses its memory again', () => {
    const output = new Uint8Array(9000).fill(1)
    const { encoder, transport } = setUp({ output: () => output })
    const kept: Uint8Array[] = []
    transport.write = (...pieces) => kept.push(...pieces.flatMap((piece) => piece ?? []))
    encoder.encode(new Uint8Array(10_000), undefined)
    output.fill(2)
    assert.equal(toHex(concat(...kept)), xFrame(2, new Uint8Array(9000).fill(1)))
  })

  it('gives the chunk of a short message back once it is framed', () => {
    const { encoder, ports, finish } = setUp({ leastLater: 4 })
    const chunk = ports.scratchPool.take()
    ports.scratchPool.give(chunk)
    encoder.encode('text', undefined)
    assert.notEqual(ports.scratchPool.take(), chunk)
    finish()
    assert.equal(ports.scratchPool.take(), chunk)
  })

  describe('of a broadcast', () => {
    /** An encoder that counts its calls and answers when a test says so. */
    function sharedEncoder(isLater: boolean) {
      const later: (() => void)[] = []
      let calls = 0
      const shared: SharedEncoder = {
        encode(_bytes, _start, _end, done) {
          calls += 1
          if (!isLater) return utf8('x')
          later.push(() => done(utf8('x')))
          return 'later'
        },
      }
      return { shared, calls: () => calls, finish: () => later.shift()!() }
    }

    it('encodes once for the connections that share an encoder', () => {
      const { shared, calls } = sharedEncoder(false)
      const [one, other] = [setUp({ shared }), setUp({ shared })]
      const broadcast = new BroadcastMessage('to all', one.ports)
      for (const { encoder, log, written } of [one, other]) {
        assert.equal(encoder.encode(broadcast, undefined), 6)
        assert.deepEqual(log, [])
        assert.equal(written(), xFrame(1))
      }
      assert.equal(calls(), 1)
    })

    it('has each queue wait for asynchronous encoding', () => {
      const { shared, calls, finish } = sharedEncoder(true)
      const [one, other] = [setUp({ shared }), setUp({ shared })]
      const broadcast = new BroadcastMessage('to all', one.ports)
      for (const { encoder } of [one, other]) encoder.encode(broadcast, undefined)
      finish()
      for (const { log, written } of [one, other]) {
        assert.deepEqual(log, ['await 6', 'encoded'])
        assert.equal(written(), xFrame(1))
      }
      assert.equal(calls(), 1)
    })

    it('encodes for each connection if the result depends on earlier messages', () => {
      const { encoder, log, ports, written } = setUp()
      encoder.encode(new BroadcastMessage(utf8('to all'), ports), undefined)
      assert.deepEqual(log, ['encode 6 to at most 5, the last piece', 'framed 6 encoded'])
      assert.equal(written(), xFrame(2))
    })
  })
})
