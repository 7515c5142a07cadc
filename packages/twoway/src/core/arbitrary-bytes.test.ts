import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { concat, frame } from 'twoway-testing/bytes.js'
import { inPieces } from 'twoway-testing/cuts.js'
import { ConnectionHarness } from 'twoway-testing/harnesses/connection-harness.js'
import { deflatePair } from 'twoway-testing/harnesses/deflate-pair.js'
import { createNodeDeflateCodec } from '../runtimes/node/deflate/deflate-codec.js'
import { violations } from './errors.js'

/** A peer that mostly keeps the rules reaches more states than one that sends noise. */
const frames = fc.array(
  fc.record({
    fin: fc.boolean(),
    reservedBits: fc.oneof({ weight: 20, arbitrary: fc.constantFrom(0, 0, 4) }, fc.nat({ max: 7 })),
    opcode: fc.oneof({ weight: 20, arbitrary: fc.constantFrom(0, 1, 2, 8, 9, 10) }, fc.nat({ max: 15 })),
    payload: fc.oneof(fc.uint8Array({ maxLength: 140 }), fc.string({ unit: 'grapheme', maxLength: 40 })),
    masked: fc.oneof({ weight: 10, arbitrary: fc.constant(undefined) }, fc.boolean()),
    lengthBits: fc.oneof({ weight: 20, arbitrary: fc.constant(undefined) }, fc.constantFrom(16 as const, 64 as const)),
  }),
  { maxLength: 6 },
)

const stream = fc.tuple(
  fc.constantFrom<'client' | 'server'>('client', 'server'),
  fc.oneof(fc.uint8Array({ maxLength: 200 }), frames),
  fc.array(fc.nat({ max: 400 }), { maxLength: 6 }),
  fc.constantFrom(undefined, false, true),
)

/** Each stream is read whole and split. */
const { ARBITRARY_STREAMS = 10_000 } = process.env
const numRuns = Number(ARBITRARY_STREAMS)

describe('Connection: arbitrary bytes of a peer', () => {
  it(`cause only ProtocolErrors, and the same however they are split, in ${numRuns} streams`, () => {
    const seen = new Set<string>()
    const codec = createNodeDeflateCodec(true)
    const read = (
      role: 'client' | 'server',
      bytes: Uint8Array,
      cuts: readonly number[],
      takeover: boolean | undefined,
    ): string[] => {
      const compression = { clientNoContextTakeover: !takeover, serverNoContextTakeover: !takeover, thresholdBytes: 5 }
      const pair = deflatePair({ client: compression, server: compression, codec })
      const harness = new ConnectionHarness({
        role,
        ...(takeover !== undefined && { extension: pair[role] }),
        limits: { maxMessageBytes: 120 },
        onMessage: (message, { connection }) => connection.send(message),
      })
      inPieces(
        bytes,
        cuts.filter((cut) => cut < bytes.length),
        (piece) => harness.receive(piece),
      )
      harness.clock.endTurn()
      harness.connection.ended()
      harness.clock.advance(10_000)
      harness.connection.closed()
      assert.equal(harness.clock.pendingTimers, 0)
      assert.equal(harness.connection.heldBytes, 0)
      for (const line of harness.log) {
        const code = /^error (.*)/.exec(line)?.[1]
        if (code === undefined) continue
        assert.ok(code in violations, line)
        seen.add(code)
      }
      return harness.log
    }
    fc.assert(
      fc.property(stream, ([role, content, cuts, takeover]) => {
        const bytes =
          content instanceof Uint8Array
            ? content
            : concat(
                ...content.map(({ masked = role === 'server', lengthBits, ...parts }) =>
                  frame({ ...parts, masked, ...(lengthBits === undefined ? {} : { lengthBits }) }),
                ),
              )
        assert.deepEqual(read(role, bytes, [], takeover), read(role, bytes, cuts, takeover))
      }),
      { numRuns, seed: 6455 },
    )
    // Violations with 1008 also depend on time.
    const rules = Object.entries(violations).filter(([, row]) => 'closeCode' in row && row.closeCode !== 1008)
    assert.deepEqual(
      rules.map(([code]) => code).filter((code) => !seen.has(code) && code !== 'lengthOver63Bits'),
      [],
      'the streams reach each rule',
    )
  })
})
