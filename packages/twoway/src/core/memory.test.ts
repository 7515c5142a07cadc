import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame } from 'twoway-testing/bytes.js'
import { nodePayload } from '../runtimes/node/payload/payload.js'
import { webPayload } from '../runtimes/web/payload.js'
import { Opcode } from './opcode.js'
import { FrameParser } from './receiving/frame-parser.js'
import { MessageAssembler } from './receiving/message-assembler.js'
import { ScratchPool } from './sending/scratch-pool.js'

const gc = globalThis.gc
assert.ok(gc !== undefined, 'run with --expose-gc')

/** Bytes in use on the heap and in buffers. */
function usedBytes(): number {
  // Unused buffers are freed in the background after a collection; the next collection waits for that.
  gc!()
  gc!()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

describe('memory', () => {
  for (const [name, payload] of [
    ['node', nodePayload],
    ['web', webPayload],
  ] as const) {
    it(`the parser allocates nothing per frame, with the ${name} payload`, () => {
      const frames = 10_000
      const one = frame({ opcode: Opcode.binary, payload: new Uint8Array(20), masked: true })
      const bytes = concat(...Array.from({ length: frames }, () => one))
      const parser = new FrameParser('server', payload)
      const parseAll = (): number => {
        let count = 0
        // Splits in each header and each payload, to include the buffer for split headers.
        for (let at = 0; at < bytes.length; ) {
          const end = Math.min(bytes.length, at + 17)
          if (!parser.read(bytes, at, end)) {
            at = end
            continue
          }
          at = parser.end
          if (parser.remaining === 0) count++
        }
        return count
      }
      for (let warmUp = 0; warmUp < 20; warmUp++) assert.equal(parseAll(), frames)
      // The compiler allocates now and then; an allocation of the parser would occur each time.
      const perFrame = Math.min(
        ...Array.from({ length: 5 }, () => {
          gc()
          const before = process.memoryUsage().heapUsed
          parseAll()
          return (process.memoryUsage().heapUsed - before) / frames
        }),
      )
      // The smallest object takes at least 12 bytes; reading the heap statistics takes a few thousand in all.
      assert.ok(perFrame < 2, `${perFrame} bytes a frame`)
    })
  }

  it('a message of 1 MiB in fragments of one byte holds less than 1 MiB + 64 KiB', () => {
    const length = 1 << 20
    const byte = Uint8Array.of(0x61)
    const gather = (assembler: MessageAssembler): void => {
      for (let index = 0; index < length; index++) {
        assembler.beginFrame(index === 0 ? Opcode.text : Opcode.continuation, false, 1)
        assembler.add(byte, 0, 1, 0)
      }
    }
    // Memory of compiled code does not belong to the message.
    gather(new MessageAssembler(new ScratchPool(nodePayload), length))
    // The runtime allocates now and then; what the assembler holds, it would hold each time.
    let held = Number.POSITIVE_INFINITY
    for (let attempts = 5; attempts > 0 && held >= length + (64 << 10); attempts--) {
      const assembler = new MessageAssembler(new ScratchPool(nodePayload), length)
      const before = usedBytes()
      gather(assembler)
      held = usedBytes() - before
      assembler.beginFrame(Opcode.continuation, true, 0)
      assert.equal((assembler.add(byte, 0, 0, 0) as string).length, length)
    }
    assert.ok(held < length + (64 << 10), `${held} bytes`)
  })
})
