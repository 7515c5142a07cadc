import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import zlib from 'node:zlib'
import { concat, frame, fromHex, toHex, utf8 } from 'twoway-testing/bytes.js'
import { inEveryCut } from 'twoway-testing/cuts.js'
import { ConnectionHarness } from 'twoway-testing/harnesses/connection-harness.js'
import { type DeflatePairOptions, deflatePair } from 'twoway-testing/harnesses/deflate-pair.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { createNodeDeflateCodec } from '../../../runtimes/node/deflate/deflate-codec.js'
import { Opcode } from '../../opcode.js'
import type { PermessageDeflate } from './permessage-deflate.js'

const { continuation, text, binary, ping } = Opcode
const codec = createNodeDeflateCodec(true)
const takeover = { serverNoContextTakeover: false, clientNoContextTakeover: false, thresholdBytes: 0 }

const masked = (opcode: number, payload: Uint8Array | string, more: object = {}): Uint8Array =>
  frame({ opcode, payload, masked: true, ...more })
const first = { fin: false, reservedBits: 4 }
const rest = { fin: false }
const whole = { reservedBits: 4 }

/** Messages in the encodings of RFC 7692 §7.2.3, their contents, and the rule. */
const received: readonly (readonly [rule: string, frames: readonly Uint8Array[], log: readonly string[]])[] = [
  ['one block, §7.2.3.1', [masked(text, fromHex('f248cdc9c90700'), whole)], ['text Hello']],
  [
    'fragments, §7.2.3.1',
    [masked(text, fromHex('f248cd'), first), masked(continuation, fromHex('c9c90700'))],
    ['text Hello'],
  ],
  [
    'a shared window, §7.2.3.2',
    [masked(text, fromHex('f248cdc9c90700'), whole), masked(text, fromHex('f200110000'), whole)],
    ['text Hello', 'text Hello'],
  ],
  ['no compression, §7.2.3.3', [masked(text, fromHex('000500faff48656c6c6f00'), whole)], ['text Hello']],
  ['BFINAL, §7.2.3.4', [masked(text, fromHex('f348cdc9c9070000'), whole)], ['text Hello']],
  [
    'BFINAL between messages, §7.2.3.4',
    [masked(text, fromHex('f348cdc9c9070000'), whole), masked(text, fromHex('f248cdc9c90700'), whole)],
    ['text Hello', 'text Hello'],
  ],
  ['two blocks, §7.2.3.5', [masked(text, fromHex('f24805000000ffffcac9c90700'), whole)], ['text Hello']],
  [
    'an empty message, §7.2.3.6',
    [masked(text, fromHex('00'), whole), masked(binary, fromHex('00'), whole)],
    ['text ', 'binary '],
  ],
  [
    'a message that is not compressed in between, §6',
    [
      masked(text, fromHex('f248cdc9c90700'), whole),
      masked(text, 'as it is'),
      masked(binary, 'ab', rest),
      masked(continuation, 'c'),
      masked(text, fromHex('f200110000'), whole),
    ],
    ['text Hello', 'text as it is', 'binary 616263', 'text Hello'],
  ],
  [
    'control frames and empty fragments between compressed fragments, §6.1',
    [
      masked(text, '', first),
      masked(ping, 'p'),
      masked(continuation, fromHex('f248cd'), rest),
      masked(ping, ''),
      masked(continuation, '', rest),
      masked(continuation, fromHex('c9c90700'), rest),
      masked(continuation, ''),
    ],
    ['text Hello'],
  ],
]

describe('PermessageDeflate: receiving', () => {
  for (const [rule, frames, log] of received) {
    it(`reads ${rule}`, () => {
      inEveryCut(concat(...frames), (feed) => {
        const harness = new ConnectionHarness({ extension: pair({ client: takeover, server: takeover }).server })
        feed((piece) => harness.receive(piece))
        assert.deepEqual(harness.log, log)
        assert.equal(harness.connection.heldBytes, 0)
      })
    })
  }

  it('validates text as it is inflated, before the end of its message', async () => {
    const limits = { maxMessageBytes: 4 << 20 }
    const harness = new ConnectionHarness({ extension: pair().server, limits })
    // A stored block with a byte that is not UTF-8, and further blocks until enough is gathered to be inflated.
    const letters = concat(fromHex('00ffff0000'), new Uint8Array(0xffff).fill(0x61))
    const stored = concat(fromHex('000100feffff'), ...Array.from({ length: 16 }, () => letters))
    harness.receive(masked(text, stored, first))
    await until(() => harness.log.length > 0)
    assert.deepEqual(harness.log, ['closing', 'error textNotUtf8'])
  })

  it('accepts a message at the limit and none beyond, whatever its compressed size', () => {
    for (const [length, log] of [
      [999, [`text ${'a'.repeat(999)}`]],
      [1000, [`text ${'a'.repeat(1000)}`]],
      [1001, ['closing', 'error messageTooBig']],
      [900_000, ['closing', 'error messageTooBig']],
    ] as const) {
      const harness = new ConnectionHarness({ extension: pair().server, limits: { maxMessageBytes: 1000 } })
      harness.receive(masked(text, compressed(utf8('a'.repeat(length))), whole))
      assert.deepEqual(harness.log, log)
    }
  })

  it('releases its memory and contexts with the connection', () => {
    const { server } = pair()
    const harness = new ConnectionHarness({ extension: server })
    harness.receive(masked(text, fromHex('f248'), first))
    assert.ok(harness.connection.heldBytes > 0)
    harness.connection.terminate()
    assert.equal(harness.connection.heldBytes, 0)
  })

  it('gives others their turn if a short input inflates to a long output', () => {
    const message = new Uint8Array(200_000)
    const packed = masked(binary, compressed(message), whole)
    const harness = new ConnectionHarness({
      extension: pair().server,
      onMessage: (_, { log }) => log.push(`${log.pop()!.length}`),
    })
    harness.receive(concat(...Array.from({ length: 10 }, () => packed)))
    assert.equal(harness.log.length, 6)
    harness.clock.runTasks()
    assert.equal(harness.log.length, 10)
  })
})

describe('PermessageDeflate: sending', () => {
  it('compresses from the threshold on, or as each message says, unless the result is longer', () => {
    const { server } = pair({ server: { thresholdBytes: 20 } })
    const harness = new ConnectionHarness({ extension: server })
    const sent = (message: string | Uint8Array, compress?: boolean): string => {
      harness.connection.send(message, compress)
      harness.clock.endTurn()
      const hex = toHex(harness.transport.written)
      harness.transport.clear()
      return hex.slice(0, 2)
    }
    assert.equal(sent('a'.repeat(19)), '81')
    assert.equal(sent('a'.repeat(20)), 'c1')
    assert.equal(sent('ä'.repeat(9)), '81')
    assert.equal(sent('ä'.repeat(10)), 'c1')
    assert.equal(sent(new Uint8Array(20)), 'c2')
    assert.equal(sent(new Uint8Array(200), false), '82')
    assert.equal(sent('aaaaaaaaaa', true), 'c1')
    assert.equal(sent('a', true), '81')
    assert.equal(sent('', true), '81')
    assert.equal(sent('qwertyuiopasdfghjklzxcvbnm1234567890', true), '81')
  })

  it('sends messages that its peer can read, with and without takeover', () => {
    const messages = ['HelloHello', 'HelloHello', 'é'.repeat(5000), utf8('bytes bytes bytes'), '', 'HelloHello']
    for (const options of [takeover, { thresholdBytes: 0 }]) {
      for (const role of ['server', 'client'] as const) {
        const ends = pair({ client: options, server: options })
        const from = new ConnectionHarness({ role, extension: ends[role] })
        for (const message of messages) from.connection.send(message)
        from.clock.endTurn()
        const other = role === 'server' ? 'client' : 'server'
        const to = new ConnectionHarness({ role: other, extension: ends[other] })
        to.receive(from.transport.written)
        const log = messages.map((message) =>
          typeof message === 'string' ? `text ${message}` : `binary ${toHex(message)}`,
        )
        assert.deepEqual(to.log, log)
        assert.ok(from.transport.written.length < 200)
      }
    }
  })

  describe('in pieces', () => {
    const line = 'a line of a long text that goes out in pieces\n'
    const codecs = { 'by handles': codec, 'by public calls': createNodeDeflateCodec(false) }

    for (const [name, deflateCodec] of Object.entries(codecs)) {
      for (const options of [takeover, { thresholdBytes: 0 }]) {
        const isKept = 'serverNoContextTakeover' in options
        it(`compresses each fragment of a message, ${isKept ? 'with' : 'without'} takeover, ${name}`, async () => {
          const ends = pair({ client: options, server: options, codec: deflateCodec })
          const from = new ConnectionHarness({ extension: ends.server })
          for (const count of [1, 3000, 2]) {
            const message = from.connection.sendInPieces({ type: 'text' }, assert.fail)
            await message.turn()
            for (let index = 0; index < count; index += 1) {
              const taken = message.write(line)
              if (index % 500 === 0) from.clock.runTasks()
              if (taken !== undefined) await settled(from, taken)
            }
            message.end()
            from.connection.send('behind')
          }
          const to = new ConnectionHarness({ role: 'client', extension: ends.client })
          await until(() => {
            from.clock.runTasks()
            to.receive(from.transport.written)
            from.transport.clear()
            to.clock.runTasks()
            return to.log.length === 6
          })
          const expected = [1, 3000, 2].flatMap((count) => [`text ${line.repeat(count)}`, 'text behind'])
          assert.deepEqual(to.log, expected)
          assert.ok(from.connection.framedBytes < 3000, `${from.connection.framedBytes}`)
        })
      }
    }

    function sent(pieces: readonly Uint8Array[], compress?: boolean, fragmentBytes?: number): readonly string[] {
      const { server, client } = pair({ server: { thresholdBytes: 20 } })
      const harness = new ConnectionHarness({ extension: server })
      const message = harness.connection.sendInPieces({ type: 'binary', compress, fragmentBytes }, assert.fail)
      for (const piece of pieces) {
        message.write(piece)
        harness.clock.runTasks()
      }
      message.end()
      harness.clock.runTasks()
      const to = new ConnectionHarness({ role: 'client', extension: client })
      to.receive(harness.transport.written)
      assert.deepEqual(to.log, [`binary ${toHex(concat(...pieces))}`])
      return frameHeads(harness.transport.written)
    }
    const noise = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

    it('marks only the first fragment', () => {
      assert.deepEqual(sent([utf8(line.repeat(40)), noise(2000)]).map(firstByte), ['42', '00', '80'])
    })

    it('does not compress a message whose beginning does not shrink, unless that is too short to tell', () => {
      const text = utf8(line.repeat(40))
      assert.deepEqual(sent([noise(1024), text]).map(firstByte), ['02', '00', '80'])
      assert.deepEqual(sent([noise(1023), text]).map(firstByte), ['42', '00', '80'])
    })

    it('treats a single fragment as a message: compresses from the threshold on, or as it says', () => {
      const fragment = (length: number, compress?: boolean): readonly string[] => {
        const { server } = pair({ server: { thresholdBytes: 20 } })
        const harness = new ConnectionHarness({ extension: server })
        const message = harness.connection.sendInPieces({ type: 'binary', compress }, assert.fail)
        message.write(new Uint8Array(length))
        message.end()
        harness.clock.runTasks()
        return frameHeads(harness.transport.written).map(firstByte)
      }
      assert.deepEqual(
        [fragment(19), fragment(20), fragment(10, true), fragment(200, false)],
        [['82'], ['c2'], ['c2'], ['82']],
      )
    })

    it('does not compress if told not to', () => {
      assert.deepEqual(sent([utf8(line), utf8(line)], false).map(firstByte), ['02', '00', '80'])
    })

    it('limits the length of compressed fragments', () => {
      for (const head of sent([utf8(line.repeat(40)), noise(100)], undefined, 7)) {
        assert.ok(Number.parseInt(head.slice(2), 16) <= 7, head)
      }
    })

    it('continues with a new compressor if one was released within a message', () => {
      for (const options of [takeover, { thresholdBytes: 0 }]) {
        const ends = pair({ client: options, server: options })
        const from = new ConnectionHarness({ extension: ends.server })
        const message = from.connection.sendInPieces({ type: 'text' }, assert.fail)
        for (let round = 0; round < 3; round += 1) {
          message.write(line)
          from.clock.runTasks()
          ends.server.releaseIdle()
        }
        message.end()
        from.clock.runTasks()
        const to = new ConnectionHarness({ role: 'client', extension: ends.client })
        to.receive(from.transport.written)
        assert.deepEqual(to.log, [`text ${line.repeat(3)}`])
      }
    })
  })

  it('releases an idle compressor, and continues with a new one', () => {
    const clock = new FakeClock()
    const { server, client } = pair({ client: takeover, server: takeover, clock })
    const first = encoded(server, 'HelloHelloHello')
    const second = encoded(server, 'HelloHelloHello')
    assert.ok(second.length < first.length, 'it refers to the first')
    clock.advance(10_000)
    assert.equal(clock.pendingTimers, 1)
    clock.advance(10_000)
    assert.equal(clock.pendingTimers, 0)
    const third = encoded(server, 'HelloHelloHello')
    assert.deepEqual(third, first)
    // The peer can read all three messages.
    for (const packed of [first, second, third]) {
      let out = ''
      client.decode(
        packed,
        0,
        packed.length,
        true,
        (bytes, start, end) => {
          out += String.fromCharCode(...bytes.subarray(start, end))
        },
        notLater,
      )
      assert.equal(out, 'HelloHelloHello')
    }
    server.close()
    assert.equal(clock.pendingTimers, 0)
  })
})

function pair(options: DeflatePairOptions = {}): ReturnType<typeof deflatePair> {
  return deflatePair({ codec, ...options })
}

/** Waits for a promise while running a connection's tasks. */
async function settled(harness: ConnectionHarness, promise: Promise<void>): Promise<void> {
  let isSettled = false
  void promise.then(() => {
    isSettled = true
  })
  await until(() => {
    if (!isSettled) harness.clock.runTasks()
    return isSettled
  })
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000; turn += 1) {
    if (condition()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.fail('it does not come')
}

/** The first byte and the payload length of each unmasked frame, in hexadecimal. */
function frameHeads(bytes: Uint8Array): readonly string[] {
  const heads: string[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < bytes.length; ) {
    const short = bytes[at + 1]!
    assert.ok(short < 127)
    const length = short < 126 ? short : view.getUint16(at + 2)
    heads.push(toHex(bytes.subarray(at, at + 1)) + length.toString(16))
    at += (short < 126 ? 2 : 4) + length
  }
  return heads
}

function firstByte(head: string): string {
  return head.slice(0, 2)
}

function notLater(): void {
  assert.fail('short messages are done within the call')
}

/** A message as compressed by a sender without takeover. */
function compressed(message: Uint8Array): Uint8Array {
  return zlib.deflateRawSync(message, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

/** A short message, compressed synchronously. */
function encoded(extension: PermessageDeflate, message: string): Uint8Array {
  const output = extension.encode(utf8(message), 0, message.length, true, message.length - 1, notLater)
  assert.ok(output instanceof Uint8Array)
  return Uint8Array.from(output)
}
