import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, fromHex } from 'twoway-testing/bytes.js'
import { inEveryCut } from 'twoway-testing/cuts.js'
import { ConnectionHarness } from 'twoway-testing/harnesses/connection-harness.js'
import { deflatePair } from 'twoway-testing/harnesses/deflate-pair.js'
import { createNodeDeflateCodec } from '../runtimes/node/deflate/deflate-codec.js'
import { type FrameViolationCode, violations } from './errors.js'
import { Opcode } from './opcode.js'

interface BrokenRule {
  readonly code: FrameViolationCode
  readonly name: string
  /** The role of the reader; both by default. The frames are masked as that role requires. */
  readonly role?: 'client' | 'server'
  readonly bytes: (masked: boolean) => Uint8Array
  /** Whether permessage-deflate was negotiated. */
  readonly compressed?: true
}

const codec = createNodeDeflateCodec(true)
const { continuation, text, binary, close, ping, pong } = Opcode

/**
 * A byte that never occurs in UTF-8, an overlong form, a surrogate, a character above U+10FFFF, and an incomplete one.
 */
const notUtf8 = ['ff', 'c0af', 'eda080', 'f4908080', 'e4bd'].map(fromHex)

const brokenRules: readonly BrokenRule[] = [
  ...[1, 2, 4].map(
    (reservedBits): BrokenRule => ({
      code: 'reservedBits',
      name: `reserved bit ${reservedBits}`,
      bytes: (masked) => frame({ opcode: text, reservedBits, payload: 'a', masked }),
    }),
  ),
  ...[3, 7, 11, 15].map(
    (opcode): BrokenRule => ({
      code: 'reservedOpcode',
      name: `opcode ${opcode}`,
      bytes: (masked) => frame({ opcode, payload: 'a', masked }),
    }),
  ),
  {
    code: 'lengthNotMinimal',
    name: '5 bytes in 16 bits',
    bytes: (masked) => frame({ opcode: text, payload: 'hello', masked, lengthBits: 16 }),
  },
  {
    code: 'lengthNotMinimal',
    name: '300 bytes in 64 bits',
    bytes: (masked) => frame({ opcode: binary, payload: new Uint8Array(300), masked, lengthBits: 64 }),
  },
  {
    code: 'lengthOver63Bits',
    name: 'a length of 2^63',
    bytes: (masked) => fromHex(`82 ${masked ? 'ff' : '7f'} 8000000000000000`),
  },
  {
    code: 'frameNotMasked',
    name: 'an unmasked frame of a client',
    role: 'server',
    bytes: () => frame({ opcode: text, payload: 'a' }),
  },
  {
    code: 'frameMasked',
    name: 'a masked frame of a server',
    role: 'client',
    bytes: () => frame({ opcode: text, payload: 'a', masked: true }),
  },
  ...[close, ping, pong].map(
    (opcode): BrokenRule => ({
      code: 'controlFragmented',
      name: `opcode ${opcode} without FIN`,
      bytes: (masked) => frame({ opcode, fin: false, masked }),
    }),
  ),
  ...[close, ping, pong].map(
    (opcode): BrokenRule => ({
      code: 'controlTooLong',
      name: `opcode ${opcode} with 126 bytes`,
      bytes: (masked) => frame({ opcode, payload: new Uint8Array(126), masked }),
    }),
  ),
  {
    code: 'continuationWithoutMessage',
    name: 'a continuation first',
    bytes: (masked) => frame({ opcode: continuation, payload: 'a', masked }),
  },
  ...[text, binary].map(
    (opcode): BrokenRule => ({
      code: 'messageWithinMessage',
      name: `opcode ${opcode} within a fragmented message`,
      bytes: (masked) =>
        concat(frame({ opcode: text, fin: false, payload: 'a', masked }), frame({ opcode, payload: 'b', masked })),
    }),
  ),
  {
    code: 'closePayloadTooShort',
    name: 'a Close of one byte',
    bytes: (masked) => frame({ opcode: close, payload: fromHex('03'), masked }),
  },
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535].map(
    (code): BrokenRule => ({
      code: 'closeCodeInvalid',
      name: `a Close with ${code}`,
      bytes: (masked) => frame({ opcode: close, payload: Uint8Array.from([code >> 8, code]), masked }),
    }),
  ),
  ...notUtf8.map(
    (bytes, index): BrokenRule => ({
      code: 'closeReasonNotUtf8',
      name: `a reason that is not UTF-8, ${index}`,
      bytes: (masked) => frame({ opcode: close, payload: concat(fromHex('03e8'), bytes), masked }),
    }),
  ),
  ...notUtf8.map(
    (bytes, index): BrokenRule => ({
      code: 'textNotUtf8',
      name: `a text that is not UTF-8, ${index}`,
      bytes: (masked) => frame({ opcode: text, payload: bytes, masked }),
    }),
  ),
  ...notUtf8.map(
    (bytes, index): BrokenRule => ({
      code: 'textNotUtf8',
      name: `a fragmented text that is not UTF-8, ${index}`,
      bytes: (masked) =>
        concat(
          frame({ opcode: text, fin: false, payload: bytes.subarray(0, 1), masked }),
          frame({ opcode: continuation, payload: bytes.subarray(1), masked }),
        ),
    }),
  ),
  ...[ping, continuation].map(
    (opcode): BrokenRule => ({
      code: 'reservedBits',
      name: `RSV1 on a frame of opcode ${opcode}, with permessage-deflate (RFC 7692 §6.1)`,
      compressed: true,
      bytes: (masked) =>
        concat(
          frame({ opcode: text, fin: false, reservedBits: 4, payload: fromHex('f248'), masked }),
          frame({ opcode, reservedBits: 4, payload: fromHex('cdc9c90700'), masked }),
        ),
    }),
  ),
  ...['07', 'f200110000', 'f248cd', ''].map(
    (hex): BrokenRule => ({
      code: 'compressionMalformed',
      name: `compressed data "${hex}"`,
      compressed: true,
      bytes: (masked) => frame({ opcode: text, reservedBits: 4, payload: fromHex(hex), masked }),
    }),
  ),
  {
    code: 'textNotUtf8',
    name: 'a compressed text that is not UTF-8',
    compressed: true,
    bytes: (masked) => frame({ opcode: text, reservedBits: 4, payload: fromHex('000100feffff00'), masked }),
  },
  {
    code: 'messageTooBig',
    name: 'compressed data that unfolds beyond the limit',
    compressed: true,
    bytes: (masked) => frame({ opcode: binary, reservedBits: 4, payload: fromHex(`62601805a360140c7b0000`), masked }),
  },
  {
    code: 'messageTooBig',
    name: 'a frame above the limit',
    bytes: (masked) => frame({ opcode: binary, payload: new Uint8Array(1001), masked }),
  },
  {
    code: 'messageTooBig',
    name: 'a frame of 2^63 - 1 bytes',
    bytes: (masked) => fromHex(`82 ${masked ? 'ff' : '7f'} 7fffffffffffffff ${masked ? '00000000' : ''}`),
  },
  {
    code: 'messageTooBig',
    name: 'fragments above the limit',
    bytes: (masked) =>
      concat(
        frame({ opcode: binary, fin: false, payload: new Uint8Array(600), masked }),
        frame({ opcode: continuation, payload: new Uint8Array(401), masked }),
      ),
  },
]

describe('each rule of §5 and §7 that a peer breaks fails the connection with its status code', () => {
  it('leaves no row of the table without a case', () => {
    // Violations with 1008 also depend on time: receive-rate.test.ts covers them.
    const rows = Object.entries(violations).filter(([, row]) => 'closeCode' in row && row.closeCode !== 1008)
    const covered = new Set<string>(brokenRules.map(({ code }) => code))
    assert.deepEqual(
      rows.map(([code]) => code).filter((code) => !covered.has(code)),
      [],
    )
  })

  for (const { code, name, role: onlyRole, bytes, compressed } of brokenRules) {
    const { closeCode, section } = violations[code]
    for (const role of onlyRole === undefined ? (['server', 'client'] as const) : [onlyRole]) {
      it(`${closeCode} for ${name}, read by a ${role}, §${section}`, () => {
        // Earlier messages are delivered, later ones are not.
        const before = frame({ opcode: text, payload: 'before', masked: role === 'server' })
        const after = frame({ opcode: text, payload: 'after', masked: role === 'server' })
        inEveryCut(concat(before, bytes(role === 'server'), after), (feed) => {
          const harness = new ConnectionHarness({
            role,
            limits: { maxMessageBytes: 1000 },
            ...(compressed && { extension: deflatePair({ codec })[role] }),
          })
          feed((piece) => harness.receive(piece))
          assert.deepEqual(harness.log, ['text before', 'closing', `error ${code}`])
          assert.equal(sentCloseCode(harness.transport.written, role), closeCode)
          assert.equal(harness.transport.calls.at(-1), 'end')
          harness.connection.closed()
          assert.equal(harness.log.at(-1), 'closed 1006 "" unclean')
          assert.equal(harness.clock.pendingTimers, 0)
        })
      })
    }
  }
})

/** The status code of the only frame sent, which must be a Close of at most 125 bytes. */
function sentCloseCode(written: Uint8Array, role: 'client' | 'server'): number {
  assert.equal(written[0], 0x88)
  const masked = role === 'client'
  const length = written[1]! & 0x7f
  assert.ok(length <= 125)
  assert.equal(written.length, 2 + (masked ? 4 : 0) + length)
  const bytes = masked
    ? written.subarray(6, 8).map((byte, index) => byte ^ written[2 + index]!)
    : written.subarray(2, 4)
  return bytes[0]! * 256 + bytes[1]!
}
