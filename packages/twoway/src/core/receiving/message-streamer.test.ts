import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { concat, frame, toHex, utf8 } from 'twoway-testing/bytes.js'
import { inEveryCutAsync, inPieces } from 'twoway-testing/cuts.js'
import { ConnectionHarness, type HarnessOptions } from 'twoway-testing/harnesses/connection-harness.js'
import { deflatePair } from 'twoway-testing/harnesses/deflate-pair.js'
import { ProtocolError, TransportError } from '../errors.js'
import type { MessageReader } from './message-reader.js'

/** Runs tasks and microtasks until none are left. */
async function settle({ clock }: ConnectionHarness): Promise<void> {
  for (let round = 0; round < 3; round++) {
    clock.runTasks()
    // The reader's awaits use the real microtask queue.
    await new Promise(setImmediate)
  }
}

/** Reads all messages to their end and adds them to `messages`, with their pieces. */
class Reader {
  readonly messages: { readonly type: string; readonly pieces: (string | Uint8Array)[]; isWhole: boolean }[] = []
  readonly errors: unknown[] = []
  readonly harness: ConnectionHarness

  constructor(options: HarnessOptions = {}) {
    this.harness = new ConnectionHarness({ ...options, onStream: (message) => void this.#read(message) })
  }

  async #read(message: MessageReader): Promise<void> {
    const entry = { type: message.type, pieces: [] as (string | Uint8Array)[], isWhole: false }
    this.messages.push(entry)
    try {
      for (let piece = await message.next(); piece !== undefined; piece = await message.next()) entry.pieces.push(piece)
      entry.isWhole = true
    } catch (error) {
      this.errors.push(error)
    }
  }

  /** The completed messages, bytes in hex. */
  get whole(): string[] {
    return this.messages
      .filter(({ isWhole }) => isWhole)
      .map(({ type, pieces }) =>
        type === 'text' ? `text ${pieces.join('')}` : `binary ${toHex(concat(...(pieces as Uint8Array[])))}`,
      )
  }
}

const masked = true
const text = 'äöü 字 👋 '.repeat(5)
const textBytes = utf8(text)

describe('MessageStreamer', () => {
  it('delivers messages one at a time, with control frames between their fragments, however they are split, §5.4', async () => {
    const bytes = concat(
      frame({ opcode: 1, fin: false, payload: textBytes.subarray(0, 1), masked }),
      frame({ opcode: 9, payload: 'p', masked }),
      frame({ opcode: 0, fin: false, payload: '', masked }),
      frame({ opcode: 0, payload: textBytes.subarray(1), masked }),
      frame({ opcode: 2, payload: textBytes, masked }),
      frame({ opcode: 1, fin: false, masked }),
      frame({ opcode: 0, masked }),
      frame({ opcode: 2, masked }),
      frame({ opcode: 8, masked }),
    )
    await inEveryCutAsync(bytes, async (pieces) => {
      const reader = new Reader({ limits: { highWaterMarkBytes: 20 } })
      for (const piece of pieces) reader.harness.receive(piece)
      for (let round = 0; round < 5; round++) await settle(reader.harness)
      assert.deepEqual(reader.whole, [`text ${text}`, `binary ${toHex(textBytes)}`, 'text ', 'binary '])
      assert.deepEqual(reader.errors, [])
      assert.equal(reader.harness.connection.state, 'closesExchanged')
      assert.equal(toHex(reader.harness.transport.written), `8a0170${'8800'}`)
    })
  })

  it('splits a text only between characters, however the network splits it', async () => {
    await inEveryCutAsync(frame({ opcode: 1, payload: textBytes, masked }), async (pieces) => {
      const reader = new Reader()
      for (const piece of pieces) {
        reader.harness.receive(piece)
        await settle(reader.harness)
      }
      for (const piece of reader.messages[0]!.pieces) assert.doesNotMatch(piece as string, /\p{Surrogate}/u)
      assert.deepEqual(reader.whole, [`text ${text}`])
    })
  })

  for (const highWaterMarkBytes of [1, 2, 3]) {
    it(`reads on within a character with a high-water mark of ${highWaterMarkBytes}`, async () => {
      const reader = new Reader({ limits: { highWaterMarkBytes } })
      for (const byte of frame({ opcode: 1, payload: '👋', masked })) {
        reader.harness.receive(Uint8Array.of(byte))
        await settle(reader.harness)
      }
      assert.deepEqual(reader.whole, ['text 👋'])
    })
  }

  it('holds about the high-water mark, and stops reading until the reader takes it', async () => {
    let message: MessageReader | undefined
    const highWaterMarkBytes = 100
    const onStream = (begun: MessageReader): void => {
      message = begun
    }
    const harness = new ConnectionHarness({ limits: { highWaterMarkBytes }, onStream })
    const header = frame({ opcode: 2, payload: new Uint8Array(400), masked }).subarray(0, 8)
    harness.receive(header)
    harness.receive(new Uint8Array(100))
    assert.deepEqual(harness.transport.calls, [])
    harness.receive(new Uint8Array(1))
    assert.deepEqual(harness.transport.calls, ['pause'])
    assert.equal(message!.heldBytes, 101)
    // Bytes in transit wait in addition to the message.
    harness.receive(new Uint8Array(50))
    assert.ok(harness.connection.heldBytes >= 151)
    assert.equal((await message!.next())?.length, 101)
    await settle(harness)
    assert.deepEqual(harness.transport.calls, ['pause', 'resume'])
    assert.equal(message!.heldBytes, 50)
  })

  it('begins the next message once the one before was read to its end', async () => {
    const begun: MessageReader[] = []
    const harness = new ConnectionHarness({ onStream: (message) => void begun.push(message) })
    harness.receive(concat(frame({ opcode: 1, payload: 'a', masked }), frame({ opcode: 1, payload: 'b', masked })))
    await settle(harness)
    assert.equal(begun.length, 1)
    assert.equal(await begun[0]!.next(), 'a')
    await settle(harness)
    assert.equal(begun.length, 1)
    assert.equal(await begun[0]!.next(), undefined)
    await settle(harness)
    assert.equal(begun.length, 2)
  })

  it('drops the rest of a discarded message, and continues with the next', async () => {
    const begun: MessageReader[] = []
    const harness = new ConnectionHarness({
      limits: { highWaterMarkBytes: 10 },
      onStream: (message) => void begun.push(message),
    })
    const long = frame({ opcode: 2, payload: new Uint8Array(1000), masked })
    harness.receive(long.subarray(0, 500))
    begun[0]!.discard()
    harness.receive(long.subarray(500))
    harness.receive(frame({ opcode: 1, payload: 'b', masked }))
    await settle(harness)
    assert.equal(begun.length, 2)
    assert.equal(await begun[0]!.next(), undefined)
    assert.equal(await begun[1]!.next(), 'b')
  })

  it('delays the next message while a lease is open', async () => {
    const begun: MessageReader[] = []
    const harness = new ConnectionHarness({
      onStream: (message) => {
        message.acquire()
        message.discard()
        begun.push(message)
      },
    })
    for (const payload of ['a', 'b']) harness.receive(frame({ opcode: 1, payload, masked }))
    await settle(harness)
    assert.equal(begun.length, 1)
    begun[0]!.release()
    await settle(harness)
    assert.equal(begun.length, 2)
  })

  for (const [what, bytes, code] of [
    ['a byte that is no UTF-8', frame({ opcode: 1, payload: Uint8Array.of(0x61, 0xff), masked }), 'textNotUtf8'],
    ['an end within a character', frame({ opcode: 1, payload: Uint8Array.of(0x61, 0xc3), masked }), 'textNotUtf8'],
    ['a continuation of nothing', frame({ opcode: 0, payload: 'a', masked }), 'continuationWithoutMessage'],
    [
      'a message within another',
      concat(frame({ opcode: 1, fin: false, payload: 'a', masked }), frame({ opcode: 2, masked })),
      'messageWithinMessage',
    ],
  ] as const) {
    it(`fails the connection and the reader at ${what}, however it is split`, async () => {
      await inEveryCutAsync(bytes, async (pieces) => {
        const reader = new Reader()
        for (const piece of pieces) reader.harness.receive(piece)
        await settle(reader.harness)
        assert.deepEqual(reader.harness.log, ['closing', `error ${code}`])
        assert.deepEqual(reader.whole, [])
        for (const error of reader.errors) assert.ok(error instanceof ProtocolError && error.code === code)
        assert.equal(reader.errors.length, reader.messages.length)
      })
    })
  }

  it('rejects for the reader if the connection closes within a message', async () => {
    for (const end of ['close', 'lost'] as const) {
      const reader = new Reader()
      reader.harness.receive(frame({ opcode: 1, fin: false, payload: 'a', masked }))
      await settle(reader.harness)
      if (end === 'close') reader.harness.connection.close(1000)
      else reader.harness.transport.sink.closed(new Error('reset'))
      await settle(reader.harness)
      assert.deepEqual(reader.messages[0]!.pieces, ['a'])
      assert.ok(reader.errors[0] instanceof TransportError)
      assert.equal(reader.harness.connection.heldBytes, 0)
    }
  })
})

describe('MessageWriter to MessageStreamer', () => {
  const cuts = fc.array(fc.nat({ max: 2000 }), { maxLength: 12 })
  const streamed = fc.record({
    payload: fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 600 }),
      fc.string({ unit: 'binary', maxLength: 600 }),
      fc.uint8Array({ maxLength: 2000 }),
    ),
    cuts,
    /** Indices of the pieces after which the turn ends. */
    turns: fc.array(fc.boolean(), { maxLength: 14 }),
    fragmentBytes: fc.option(fc.integer({ min: 4, max: 300 }), { nil: undefined }),
    /** A whole message that is sent while the pieces are written. */
    meanwhile: fc.option(fc.string({ unit: 'grapheme', maxLength: 20 }), { nil: undefined }),
  })
  const shownAs = (message: string | Uint8Array): string =>
    typeof message === 'string' ? `text ${message}` : `binary ${toHex(message)}`

  for (const [role, isCompressed] of [
    ['client', false],
    ['server', false],
    ['client', true],
    ['server', true],
  ] as const) {
    const how = isCompressed ? 'with' : 'without'
    it(`delivers what was written, however a ${role} and the network split it, ${how} permessage-deflate`, async () => {
      const property = fc.asyncProperty(
        fc.array(streamed, { minLength: 1, maxLength: 3 }),
        cuts,
        fc.integer({ min: 1, max: 300 }),
        async (sent, wireCuts, highWaterMarkBytes) => {
          const [all, other] = [{ thresholdBytes: 0 }, role === 'client' ? 'server' : 'client'] as const
          const pair = isCompressed ? deflatePair({ client: all, server: all }) : undefined
          const sender = new ConnectionHarness({ role, ...(pair && { extension: pair[role] }) })
          const expected: string[] = []
          for (const { payload, cuts, turns, fragmentBytes, meanwhile } of sent) {
            const type = typeof payload === 'string' ? 'text' : 'binary'
            const message = sender.connection.sendInPieces({ type, fragmentBytes }, assert.ifError)
            const offsets = [0, ...cuts.filter((at) => at < payload.length).sort((a, b) => a - b), payload.length]
            for (const [index, end] of offsets.slice(1).entries()) {
              const start = offsets[index]!
              // The next turn continues above the high-water mark.
              const room = message.write(
                typeof payload === 'string' ? payload.slice(start, end) : payload.subarray(start, end),
              )
              if (index === 0 && meanwhile !== undefined) sender.connection.send(meanwhile)
              if (room !== undefined || turns[index] === true) sender.clock.runTasks()
            }
            message.end()
            expected.push(shownAs(payload))
            if (meanwhile !== undefined) expected.push(shownAs(meanwhile))
          }
          sender.clock.runTasks()
          const reader = new Reader({
            role: other,
            limits: { highWaterMarkBytes },
            ...(pair && { extension: pair[other] }),
          })
          inPieces(sender.transport.written, wireCuts, (piece) => reader.harness.receive(piece))
          for (let round = 0; round < 60 && reader.whole.length < expected.length; round++) await settle(reader.harness)
          assert.deepEqual(reader.whole, expected)
          assert.deepEqual(reader.harness.log, [])
          for (const { transport } of [sender, reader.harness]) transport.sink.closed()
        },
      )
      await fc.assert(property, { numRuns: isCompressed ? 50 : 200 })
    })
  }
})
