import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { frame, toHex, utf8 } from 'twoway-testing/bytes.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import type { Transport } from '../../ports/transport.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { FrameWriter } from './frame-writer.js'
import { ScratchPool } from './scratch-pool.js'

const text = 0x81
const binary = 0x82

function setUp({ masked = false, full = false } = {}) {
  const transport = new RecordingTransport()
  transport.isFull = full
  const clock = new FakeClock()
  const scratchPool = new ScratchPool(webPayload, 1 << 14)
  let flushes = 0
  const random = { maskingKey: () => 0x3d21fa37, bytes: (length: number) => new Uint8Array(length) }
  const ports = { payload: webPayload, clock, scratchPool }
  const frameWriter = new FrameWriter(transport, ports, masked ? random : undefined, { flushed: () => flushes++ })
  return { transport, clock, scratchPool, frameWriter, flushes: () => flushes }
}

const texts = [
  0, 1, 41, 42, 62, 63, 64, 124, 125, 126, 127, 5456, 5457, 5461, 5462, 16_379, 16_380, 16_384, 21_845, 65_535, 65_536,
]

describe('FrameWriter', () => {
  for (const masked of [false, true]) {
    const role = masked ? 'client' : 'server'
    it(`frames bytes of each length as the ${role} must, §5.1, §5.2`, () => {
      for (const length of [0, 1, 125, 126, 8191, 8192, 16_370, 16_384, 65_535, 65_536, 100_000]) {
        const { frameWriter, transport } = setUp({ masked })
        const payload = Uint8Array.from({ length }, (_, index) => index * 7)
        const padded = Uint8Array.from([9, ...payload, 9])
        frameWriter.addBytes(binary, padded, 1, 1 + length)
        frameWriter.flush()
        const expected = frame({ opcode: 2, payload, masked })
        assert.ok(Buffer.from(transport.written).equals(expected))
        assert.equal(frameWriter.appendedBytes, expected.length)
      }
    })

    it(`frames text of each length and width as the ${role} must, §5.6`, () => {
      for (const length of texts) {
        for (const character of ['a', 'ä', '字', '👋']) {
          const payload = character.repeat(Math.ceil(length / character.length))
          const { frameWriter, transport } = setUp({ masked })
          frameWriter.addText(text, 'before')
          frameWriter.addText(text, payload)
          frameWriter.addText(text, 'after')
          frameWriter.flush()
          const expected = ['before', payload, 'after'].map((part) => frame({ opcode: 1, payload: part, masked }))
          assert.ok(Buffer.from(transport.written).equals(Buffer.concat(expected)), `${length} x ${character}`)
        }
      }
    })
  }

  it('sends a lone surrogate as U+FFFD', () => {
    const { frameWriter, transport } = setUp()
    frameWriter.addText(text, 'a\ud800b')
    frameWriter.flush()
    assert.equal(toHex(transport.written), toHex(frame({ opcode: 1, payload: 'a\ufffdb' })))
  })

  it('writes once per turn, whatever is sent', () => {
    const { frameWriter, transport, clock, flushes } = setUp()
    for (let index = 0; index < 100; index++) frameWriter.addText(text, `message ${index}`)
    assert.equal(transport.writes.length, 0)
    assert.ok(frameWriter.waitingBytes > 0)
    clock.endTurn()
    assert.equal(transport.writes.length, 1)
    assert.equal(frameWriter.waitingBytes, 0)
    assert.equal(flushes(), 1)
  })

  it('writes once for all frames added while it is corked', () => {
    const { frameWriter, transport, clock } = setUp()
    frameWriter.cork()
    for (let index = 0; index < 100; index++) frameWriter.addBytes(binary, utf8('x'), 0, 1)
    clock.endTurn()
    assert.equal(transport.writes.length, 0)
    frameWriter.uncork()
    assert.equal(transport.writes.length, 1)
    frameWriter.uncork()
    assert.equal(transport.writes.length, 1)
  })

  it('writes texts that fit into one scratch buffer once, even if their upper bound does not', () => {
    const { frameWriter, transport } = setUp()
    for (let index = 0; index < 2; index++) frameWriter.addText(text, 'x'.repeat(8000))
    frameWriter.flush()
    assert.equal(transport.writes.length, 1)
  })

  it('writes a long unmasked payload together with its header and earlier frames', () => {
    const { frameWriter, transport } = setUp()
    frameWriter.addText(text, 'before')
    frameWriter.addBytes(binary, new Uint8Array(10_000), 0, 10_000)
    assert.equal(transport.writes.length, 1)
    frameWriter.addText(text, 'after')
    frameWriter.flush()
    assert.equal(transport.writes.length, 2)
  })

  it('reuses the scratch buffer if the network took all', () => {
    const { frameWriter, scratchPool } = setUp()
    const chunk = scratchPool.take()
    scratchPool.give(chunk)
    for (let index = 0; index < 3; index++) {
      frameWriter.addText(text, 'x')
      frameWriter.flush()
      const next = scratchPool.take()
      assert.equal(next, chunk)
      scratchPool.give(next)
    }
  })

  it('reuses the memory of a long text: at once if the network took all, else once it has', () => {
    const { frameWriter, transport, scratchPool } = setUp()
    const long = 'x'.repeat(50_000)
    frameWriter.addText(text, long)
    const chunk = scratchPool.takeLong(50_000)
    assert.ok(chunk.length > 150_000, 'the length of a text was asked for')
    scratchPool.give(chunk)
    transport.isFull = true
    frameWriter.addText(text, long)
    const other = scratchPool.takeLong(50_000)
    assert.notEqual(other, chunk)
    frameWriter.addText(text, long)
    assert.notEqual(scratchPool.takeLong(50_000), chunk)
    transport.pendingBytes = 0
    frameWriter.drained()
    // Of the two waiting chunks, the latest is kept; it has the exact length.
    assert.equal(scratchPool.takeLong(50_000).length, 50_010)
  })

  it('does not change waiting bytes when more is sent', () => {
    const { frameWriter, transport } = setUp()
    const kept: Uint8Array[] = []
    const copies: string[] = []
    transport.write = (first, second) => {
      for (const bytes of second === undefined ? [first] : [first, second]) {
        kept.push(bytes)
        copies.push(toHex(bytes))
        transport.pendingBytes += bytes.length
      }
    }
    for (let index = 0; index < 50; index++) {
      frameWriter.addText(text, `message ${index}`)
      if (index % 3 === 0) frameWriter.flush()
    }
    frameWriter.flush()
    assert.deepEqual(kept.map(toHex), copies)
    assert.ok(
      kept.slice(1).every((bytes) => bytes.buffer.byteLength < 100),
      'a scratch is pinned by what waits',
    )
  })

  it('counts the bytes that wait in it and in the transport', () => {
    const { frameWriter, transport } = setUp({ full: true })
    frameWriter.addText(text, 'abc')
    frameWriter.flush()
    frameWriter.addText(text, 'defg')
    assert.equal(frameWriter.waitingBytes, 5 + 6)
    assert.equal(frameWriter.appendedBytes, 5 + 6)
    transport.pendingBytes = 0
    assert.equal(frameWriter.waitingBytes, 6)
    assert.equal(frameWriter.appendedBytes, 5 + 6)
  })

  it('asks the transport for pending bytes once per write, and again only if there were some', () => {
    let asked = 0
    let pending = 0
    const transport = {
      get pendingBytes() {
        asked += 1
        return pending
      },
      write() {},
    } as unknown as Transport
    const { clock, scratchPool } = setUp()
    const counted = new FrameWriter(transport, { payload: webPayload, clock, scratchPool }, undefined, { flushed() {} })
    const send = (): number => {
      asked = 0
      counted.cork()
      for (let count = 0; count < 16; count++) {
        counted.addText(text, 'abc')
        assert.equal(counted.waitingBytes, pending + 5 * (count + 1))
      }
      counted.uncork()
      assert.equal(counted.waitingBytes, pending)
      return asked
    }
    // Bytes written before the connection was established may still be pending.
    assert.equal(send(), 2)
    assert.equal(send(), 1)
    pending = 7
    counted.addText(text, '')
    counted.flush()
    assert.ok(send() > 16)
    pending = 0
    assert.equal(send(), 2)
    assert.equal(send(), 1)
  })

  it('writes a whole frame without a copy if it is alone in its turn', () => {
    const { frameWriter, clock, scratchPool } = setUp()
    const given: Uint8Array[] = []
    const transport = { pendingBytes: 0, write: (bytes: Uint8Array) => given.push(bytes) } as unknown as Transport
    const alone = new FrameWriter(transport, { payload: webPayload, clock, scratchPool }, undefined, { flushed() {} })
    const whole = frame({ opcode: 1, payload: utf8('to all') })
    alone.addFrame(whole)
    assert.equal(alone.waitingBytes, whole.length)
    clock.endTurn()
    assert.equal(given[0], whole)
    assert.equal(alone.waitingBytes, 0)
    assert.equal(frameWriter.waitingBytes, 0)
  })

  it('keeps the order of whole frames and others, in as few writes as possible', () => {
    for (const length of [3, 5000, 8192, 20_000]) {
      for (const around of [3, 5000, 20_000]) {
        const { frameWriter, transport } = setUp()
        const whole = frame({ opcode: 2, payload: new Uint8Array(length).fill(1) })
        const other = utf8('x'.repeat(around))
        const expected = frame({ opcode: 1, payload: other })
        frameWriter.addFrame(whole)
        frameWriter.addText(text, 'x'.repeat(around))
        frameWriter.addFrame(whole)
        frameWriter.addFrame(whole)
        frameWriter.addBytes(text, other, 0, other.length)
        assert.equal(frameWriter.appendedBytes, 3 * whole.length + 2 * expected.length)
        assert.equal(frameWriter.waitingBytes + transport.written.length, frameWriter.appendedBytes)
        frameWriter.flush()
        assert.ok(Buffer.from(transport.written).equals(Buffer.concat([whole, expected, whole, whole, expected])))
        if (length === 3 && around === 3) assert.equal(transport.writes.length, 1)
      }
    }
  })
})
