import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, fromHex, toHex } from 'twoway-testing/bytes.js'
import { inEveryCut } from 'twoway-testing/cuts.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { ProtocolError } from '../errors.js'
import { Opcode } from '../opcode.js'
import { FrameParser } from './frame-parser.js'

/** Logs the frames that are read from pieces: a line per frame, or the code of the broken rule. */
function reader(role: 'client' | 'server', messageBits = 0) {
  const parser = new FrameParser(role, webPayload, messageBits)
  const log: string[] = []
  let payload = ''
  const read = (piece: Uint8Array): void => {
    try {
      for (let at = 0; at < piece.length; at = parser.end) {
        if (!parser.read(piece, at, piece.length)) return
        if (parser.begins) payload = ''
        payload += toHex(piece.subarray(parser.start, parser.end))
        if (parser.remaining > 0) continue
        const bits = parser.reservedBits === 0 ? '' : ` rsv ${parser.reservedBits}`
        log.push(`${parser.fin ? 'fin' : 'more'} ${parser.opcode}${bits} [${parser.length}] ${payload}`)
      }
    } catch (error) {
      assert.ok(error instanceof ProtocolError)
      log.push(error.code)
      throw error
    }
  }
  return { log, read }
}

function readInEveryCut(
  role: 'client' | 'server',
  bytes: Uint8Array,
  expected: readonly string[],
  messageBits = 0,
): void {
  inEveryCut(bytes, (feed) => {
    const { log, read } = reader(role, messageBits)
    try {
      feed(read)
    } catch (error) {
      assert.ok(error instanceof ProtocolError)
    }
    assert.deepEqual(log, expected)
  })
}

const hello = '48656c6c6f'

describe('FrameParser: the examples of RFC 6455 §5.7', () => {
  const examples: readonly [name: string, role: 'client' | 'server', hex: string, expected: readonly string[]][] = [
    ['a single-frame unmasked text message', 'client', `8105${hello}`, [`fin 1 [5] ${hello}`]],
    ['a single-frame masked text message', 'server', '818537fa213d7f9f4d5158', [`fin 1 [5] ${hello}`]],
    ['a fragmented unmasked text message', 'client', '010348656c 80026c6f', ['more 1 [3] 48656c', 'fin 0 [2] 6c6f']],
    ['an unmasked Ping', 'client', `8905${hello}`, [`fin 9 [5] ${hello}`]],
    ['a masked Pong', 'server', '8a8537fa213d7f9f4d5158', [`fin 10 [5] ${hello}`]],
    ['256 bytes in one unmasked frame', 'client', `827e0100${'ab'.repeat(256)}`, [`fin 2 [256] ${'ab'.repeat(256)}`]],
  ]
  for (const [name, role, hex, expected] of examples) {
    it(`reads ${name}`, () => readInEveryCut(role, fromHex(hex), expected))
  }

  it('reads 64 KiB in one unmasked frame', () => {
    const { log, read } = reader('client')
    read(fromHex(`827f0000000000010000${'cd'.repeat(65536)}`))
    assert.deepEqual(log, [`fin 2 [65536] ${'cd'.repeat(65536)}`])
  })
})

describe('FrameParser', () => {
  it('reads each opcode, masked or unmasked as the role requires, §5.1, §5.2', () => {
    for (const role of ['client', 'server'] as const) {
      const masked = role === 'server'
      for (const opcode of Object.values(Opcode)) {
        const expected = `fin ${opcode} [3] 616263`
        readInEveryCut(role, frame({ opcode, payload: 'abc', masked }), [expected])
      }
    }
  })

  it('reads a frame without payload at the end of a read and before another frame, §5.2', () => {
    const bytes = concat(frame({ opcode: 1, masked: true }), frame({ opcode: 9, masked: true }))
    readInEveryCut('server', bytes, ['fin 1 [0] ', 'fin 9 [0] '])
  })

  it('accepts each of the three length forms at its bounds, §5.2', () => {
    for (const length of [0, 1, 125, 126, 127, 65535, 65536, 65537]) {
      const { log, read } = reader('server')
      read(frame({ opcode: 2, payload: new Uint8Array(length), masked: true }))
      assert.deepEqual(log, [`fin 2 [${length}] ${'00'.repeat(length)}`])
    }
  })

  it('refuses a length that is not in its shortest form, §5.2', () => {
    for (const [length, lengthBits] of [
      [0, 16],
      [125, 16],
      [0, 64],
      [125, 64],
      [126, 64],
      [65535, 64],
    ] as const) {
      const { log, read } = reader('client')
      assert.throws(() => read(frame({ opcode: 2, payload: new Uint8Array(length), lengthBits })))
      assert.deepEqual(log, ['lengthNotMinimal'])
    }
  })

  it('refuses lengths from 2^63 on, and reads one just below, §5.2', () => {
    readInEveryCut('client', fromHex('827f8000000000000000'), ['lengthOver63Bits'])
    const parser = new FrameParser('client', webPayload)
    parser.read(fromHex('827f7fffffffffffffff'), 0, 10)
    assert.equal(parser.length, 2 ** 63)
  })

  it('refuses reserved bits, except those of a negotiated extension, §5.2', () => {
    for (const bits of [1, 2, 3, 4, 5, 6, 7]) {
      readInEveryCut('client', frame({ opcode: 1, reservedBits: bits, payload: 'a' }), ['reservedBits'])
      const expected = bits === 4 ? 'fin 1 rsv 4 [1] 61' : 'reservedBits'
      readInEveryCut('client', frame({ opcode: 1, reservedBits: bits, payload: 'a' }), [expected], 4)
    }
  })

  it("refuses an extension's bit on continuation and control frames, RFC 7692 §6.1", () => {
    for (const opcode of [0, 8, 9, 10]) {
      readInEveryCut('client', frame({ opcode, reservedBits: 4, payload: 'ab' }), ['reservedBits'], 4)
    }
  })

  it('refuses the reserved opcodes, §5.2', () => {
    for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
      readInEveryCut('client', frame({ opcode }), ['reservedOpcode'])
    }
  })

  it('refuses at the first byte that breaks a rule, before the rest of the header has arrived', () => {
    for (const [role, hex, code] of [
      ['client', 'c1', 'reservedBits'],
      ['client', '83', 'reservedOpcode'],
      ['client', '09', 'controlFragmented'],
      ['client', '897e', 'controlTooLong'],
      ['server', '8105', 'frameNotMasked'],
      ['client', '8185', 'frameMasked'],
      ['server', '82fe0001', 'lengthNotMinimal'],
      ['server', '82ff000000000000ffff', 'lengthNotMinimal'],
    ] as const) {
      readInEveryCut(role, fromHex(hex), [code])
    }
  })

  it('accepts a control frame of 125 bytes and refuses one of 126, §5.5', () => {
    for (const opcode of [8, 9, 10]) {
      const payload = new Uint8Array(125)
      readInEveryCut('client', frame({ opcode, payload }), [`fin ${opcode} [125] ${'00'.repeat(125)}`])
      readInEveryCut('client', frame({ opcode, payload: new Uint8Array(126) }), ['controlTooLong'])
    }
  })

  it('takes a parser that was given back as a new one, for either role', () => {
    const masked = frame({ opcode: Opcode.text, payload: 'ASCII', masked: true })
    const used = FrameParser.take('server', webPayload)
    assert.equal(used.read(masked, 0, masked.length), true)
    assert.equal(used.isAscii, true)
    FrameParser.give(used)
    const parser = FrameParser.take('client', webPayload, 4)
    assert.equal(parser, used)
    const compressed = frame({ opcode: Opcode.text, payload: 'grüß', reservedBits: 4 })
    assert.equal(parser.read(compressed, 0, compressed.length), true)
    assert.deepEqual([parser.isAscii, parser.reservedBits, parser.remaining], [false, 4, 0])
    FrameParser.give(parser)
    assert.throws(() => FrameParser.take('client', webPayload).read(compressed, 0, compressed.length), ProtocolError)
  })
})
