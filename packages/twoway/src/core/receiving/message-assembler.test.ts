import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { utf8 } from 'twoway-testing/bytes.js'
import { inEveryCut } from 'twoway-testing/cuts.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { ProtocolError } from '../errors.js'
import { Opcode } from '../opcode.js'
import { ScratchPool } from '../sending/scratch-pool.js'
import { MessageAssembler } from './message-assembler.js'

const breaks = (code: string) => (error: unknown) => error instanceof ProtocolError && error.code === code

/** Feeds one frame, whose payload arrives in pieces. */
function feedFrame(assembler: MessageAssembler, opcode: number, fin: boolean, pieces: readonly Uint8Array[]) {
  let remaining = pieces.reduce((sum, piece) => sum + piece.length, 0)
  assembler.beginFrame(opcode, fin, remaining)
  let message: string | Uint8Array | undefined
  for (const piece of pieces) {
    remaining -= piece.length
    message = assembler.add(piece, 0, piece.length, remaining)
  }
  return message
}

describe('MessageAssembler', () => {
  it('returns text as a string and binary as bytes with their own buffer', () => {
    const assembler = new MessageAssembler(new ScratchPool(webPayload), 1000)
    const bytes = utf8('äöü 字 👋')
    assert.equal(feedFrame(assembler, Opcode.text, true, [bytes]), 'äöü 字 👋')
    const message = feedFrame(assembler, Opcode.binary, true, [bytes])
    assert.deepEqual(message, bytes)
    assert.notEqual((message as Uint8Array).buffer, bytes.buffer)
  })

  it('assembles a message of several frames however they are split, §5.4', () => {
    const text = 'äöü 字 👋 '.repeat(9)
    inEveryCut(utf8(text), (feed) => {
      const pieces: Uint8Array[] = []
      feed((piece) => pieces.push(piece))
      const assembler = new MessageAssembler(new ScratchPool(webPayload), 1000)
      const frames = [[], ...pieces.map((piece) => [piece]), []]
      const messages = frames.map((frame, index) =>
        feedFrame(assembler, index === 0 ? Opcode.text : Opcode.continuation, index === frames.length - 1, [
          new Uint8Array(0),
          ...frame,
        ]),
      )
      assert.equal(messages.pop(), text)
      assert.ok(messages.every((message) => message === undefined))
      assert.equal(assembler.heldBytes, 0)
    })
  })

  it('returns empty messages, whole and fragmented, §5.4', () => {
    const assembler = new MessageAssembler(new ScratchPool(webPayload), 1)
    const none = [new Uint8Array(0)]
    assert.equal(feedFrame(assembler, Opcode.text, true, none), '')
    assert.deepEqual(feedFrame(assembler, Opcode.binary, true, none)?.length, 0)
    assert.equal(feedFrame(assembler, Opcode.text, false, none), undefined)
    assert.equal(feedFrame(assembler, Opcode.continuation, true, none), '')
  })

  it('refuses a continuation outside of a message, and a message within another, §5.4', () => {
    const assembler = new MessageAssembler(new ScratchPool(webPayload), 1000)
    assert.throws(() => assembler.beginFrame(Opcode.continuation, true, 0), breaks('continuationWithoutMessage'))
    feedFrame(assembler, Opcode.text, false, [utf8('a')])
    assert.throws(() => assembler.beginFrame(Opcode.text, true, 1), breaks('messageWithinMessage'))
    assert.throws(() => assembler.beginFrame(Opcode.binary, false, 1), breaks('messageWithinMessage'))
  })

  it('accepts a message at the limit and refuses one above it after the header', () => {
    for (const limit of [1, 125, 70_000]) {
      const assembler = new MessageAssembler(new ScratchPool(webPayload), limit)
      assert.equal(feedFrame(assembler, Opcode.binary, true, [new Uint8Array(limit)])?.length, limit)
      assert.throws(() => assembler.beginFrame(Opcode.binary, true, limit + 1), breaks('messageTooBig'))
      assert.equal(assembler.heldBytes, 0)
    }
  })

  it('counts the fragments of a message together', () => {
    const assembler = new MessageAssembler(new ScratchPool(webPayload), 10)
    feedFrame(assembler, Opcode.binary, false, [new Uint8Array(6)])
    feedFrame(assembler, Opcode.continuation, false, [new Uint8Array(4)])
    assert.throws(() => assembler.beginFrame(Opcode.continuation, true, 1), breaks('messageTooBig'))
    const next = new MessageAssembler(new ScratchPool(webPayload), 10)
    feedFrame(next, Opcode.binary, false, [new Uint8Array(6)])
    assert.equal(feedFrame(next, Opcode.continuation, true, [new Uint8Array(4)])?.length, 10)
  })

  it('allocates nothing for an announced frame that does not arrive', () => {
    const assembler = new MessageAssembler(new ScratchPool(webPayload), 1 << 20)
    assembler.beginFrame(Opcode.binary, true, 1 << 20)
    assembler.add(new Uint8Array(0), 0, 0, 1 << 20)
    assert.equal(assembler.heldBytes, 0)
  })

  it('never holds more than the limit between reads, however the message is split', () => {
    for (const limit of [1000, 100_000]) {
      const assembler = new MessageAssembler(new ScratchPool(webPayload), limit)
      for (let index = 0; index < limit; index++) {
        feedFrame(assembler, index === 0 ? Opcode.binary : Opcode.continuation, false, [Uint8Array.of(index)])
        assembler.readEnds()
        assert.ok(assembler.heldBytes <= limit)
      }
      const message = feedFrame(assembler, Opcode.continuation, true, [new Uint8Array(0)])
      assert.equal(message?.length, limit)
      assert.equal((message as Uint8Array)[limit - 1], (limit - 1) % 256)
    }
  })

  it('returns bytes whose buffer is no longer than they are', () => {
    const assembler = new MessageAssembler(new ScratchPool(webPayload), 1 << 20)
    feedFrame(assembler, Opcode.binary, false, [new Uint8Array(3000)])
    const message = feedFrame(assembler, Opcode.continuation, true, [new Uint8Array(5), new Uint8Array(6)])
    assert.equal((message as Uint8Array).buffer.byteLength, 3011)
  })

  it('fails at the first byte that is not UTF-8, before the end of the message, §8.1', () => {
    const assembler = new MessageAssembler(new ScratchPool(webPayload), 1000)
    assembler.beginFrame(Opcode.text, false, 100)
    assembler.add(utf8('字').subarray(0, 2), 0, 2, 98)
    assert.throws(() => assembler.add(utf8('x'), 0, 1, 97), breaks('textNotUtf8'))
  })

  it('refuses a text that ends within a character, §8.1', () => {
    const start = utf8('字').subarray(0, 2)
    const whole = new MessageAssembler(new ScratchPool(webPayload), 1000)
    assert.throws(() => feedFrame(whole, Opcode.text, true, [start]), breaks('textNotUtf8'))
    const cut = new MessageAssembler(new ScratchPool(webPayload), 1000)
    feedFrame(cut, Opcode.text, false, [start])
    assert.throws(() => feedFrame(cut, Opcode.continuation, true, [new Uint8Array(0)]), breaks('textNotUtf8'))
  })

  it('gathers the frames of one read in a pool chunk, and never hands the chunk out', () => {
    const pool = new ScratchPool(webPayload)
    const chunk = pool.take()
    pool.give(chunk)
    const assembler = new MessageAssembler(pool, 1 << 20)
    for (const length of [1, chunk.length - 1, chunk.length, chunk.length + 1]) {
      for (const opcode of [Opcode.binary, Opcode.text]) {
        const bytes = new Uint8Array(length).fill(0x61)
        feedFrame(assembler, opcode, false, [bytes.subarray(0, length >> 1)])
        const message = feedFrame(assembler, Opcode.continuation, true, [bytes.subarray(length >> 1)])
        // The next user of the chunk overwrites it.
        assert.equal(pool.take(), chunk)
        chunk.fill(0)
        pool.give(chunk)
        assert.deepEqual(message, opcode === Opcode.text ? 'a'.repeat(length) : bytes)
      }
    }
  })

  it('returns the pool chunk between reads without losing bytes', () => {
    const pool = new ScratchPool(webPayload)
    const chunk = pool.take()
    pool.give(chunk)
    for (const lengths of [[1], [1, 2, 3], [5000, 1], [chunk.length], [chunk.length, 1], [20_000, 1]]) {
      const assembler = new MessageAssembler(pool, 1 << 20)
      const sent: number[] = []
      for (const [index, length] of lengths.entries()) {
        const bytes = new Uint8Array(length).fill(index + 1)
        sent.push(...bytes)
        feedFrame(assembler, index === 0 ? Opcode.binary : Opcode.continuation, false, [bytes])
        assembler.readEnds()
        assert.equal(pool.take(), chunk)
        chunk.fill(0)
        pool.give(chunk)
        assert.ok(assembler.heldBytes <= Math.max(1024, 2 * sent.length))
      }
      assert.deepEqual(
        feedFrame(assembler, Opcode.continuation, true, [Uint8Array.of(9)]),
        Uint8Array.from([...sent, 9]),
      )
      assert.equal(assembler.heldBytes, 0)
    }
  })

  it('returns the chunk if the message is dropped', () => {
    const pool = new ScratchPool(webPayload)
    const chunk = pool.take()
    pool.give(chunk)
    const assembler = new MessageAssembler(pool, 1 << 20)
    feedFrame(assembler, Opcode.binary, false, [new Uint8Array(3)])
    assert.notEqual(pool.take(), chunk)
    assembler.release()
    assert.equal(pool.take(), chunk)
  })

  it('reuses the buffer of a long text, and never that of a binary message', () => {
    const pool = new ScratchPool(webPayload)
    const gather = (opcode: number, byte: number, cutAt?: number): string | Uint8Array | undefined => {
      const assembler = new MessageAssembler(pool, 1 << 20)
      const bytes = new Uint8Array(100_000).fill(byte)
      assembler.beginFrame(opcode, true, bytes.length)
      assembler.add(bytes, 0, 60_000, 40_000)
      if (cutAt === undefined) return assembler.add(bytes, 60_000, 100_000, 0)
      assembler.release()
      return undefined
    }
    assert.equal(gather(Opcode.text, 0x61), 'a'.repeat(100_000))
    const chunk = pool.takeLong(100_000)
    pool.give(chunk)
    assert.equal(gather(Opcode.text, 0x62), 'b'.repeat(100_000))
    assert.deepEqual(chunk, new Uint8Array(100_000).fill(0x62))
    const binary = gather(Opcode.binary, 0x63)
    gather(Opcode.text, 0x64, 60_000)
    assert.deepEqual(chunk.subarray(0, 60_000), new Uint8Array(60_000).fill(0x64))
    assert.equal(pool.takeLong(100_000), chunk)
    assert.deepEqual(binary, new Uint8Array(100_000).fill(0x63))
  })

  it('copies a long binary message from a buffer that it uses again, if the payload port asks for it', () => {
    const pool = new ScratchPool({ ...webPayload, copiesMessages: true })
    const gather = (byte: number): Uint8Array => {
      const bytes = new Uint8Array(100_000).fill(byte)
      const message = feedFrame(new MessageAssembler(pool, 1 << 20), Opcode.binary, true, [
        bytes.subarray(0, 60_000),
        bytes.subarray(60_000),
      ])
      return message as Uint8Array
    }
    const first = gather(1)
    const chunk = pool.takeLong(100_000)
    pool.give(chunk)
    assert.deepEqual(gather(2), new Uint8Array(100_000).fill(2))
    assert.deepEqual(chunk, new Uint8Array(100_000).fill(2))
    assert.equal(pool.takeLong(100_000), chunk)
    assert.deepEqual(first, new Uint8Array(100_000).fill(1))
    assert.equal(first.buffer.byteLength, first.length)
  })
})
