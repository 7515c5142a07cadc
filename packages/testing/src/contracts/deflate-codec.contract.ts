import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import zlib from 'node:zlib'
import { ProtocolError } from '../../../twoway/dist/core/errors.js'
import type { Compressor, DeflateCodec, Inflater } from '../../../twoway/dist/ports/deflate-codec.js'
import { concat, fromHex, toHex, utf8 } from '../bytes.js'

const deflating = { level: 6, memLevel: 8 }

/** The rules of the deflate codec port, and further rules for a codec that keeps histories. */
export function describeDeflateCodec(name: string, codec: DeflateCodec): void {
  const windowBits = [...new Set([codec.smallestWindowBits, 12, 15])].filter((bits) => bits >= codec.smallestWindowBits)
  const compressor = (takeover = false, bits = 15): Compressor =>
    codec.compressors({ windowBits: bits, takeover, ...deflating }).take()
  const inflater = (takeover = false, bits = 15): Inflater => codec.inflaters({ windowBits: bits, takeover }).take()

  describe(name, () => {
    for (const bits of windowBits) {
      for (const message of messages) {
        it(`restores ${message.length} bytes, with ${bits} window bits`, async () => {
          const one = compressor(false, bits)
          const other = inflater(false, bits)
          const packed = await deflate(one, message)
          assert.ok(packed !== undefined)
          assert.deepEqual(new Uint8Array(await inflate(other, packed)), message)
          one.release()
          other.release()
        })
      }
    }

    it('compresses to bytes that node:zlib inflates, §7.2.2', async () => {
      for (const message of messages) {
        const packed = (await deflate(compressor(), message))!
        assert.deepEqual(new Uint8Array(unzip(packed)), message)
      }
    })

    for (const [hex, text, rule] of codec.keepsHistory ? [...vectors, ...rareVectors] : vectors) {
      it(`inflates ${hex}: ${rule}`, async () => {
        assert.equal(toHex(await inflate(inflater(), fromHex(hex))), toHex(utf8(text)))
      })
    }

    it('delivers nothing if the output would exceed the limit, and reports that once', async () => {
      const message = noise(1000)
      assert.equal(await deflate(compressor(), message, message.length - 1), undefined)
      const long = noise(200_000)
      assert.equal(await deflate(compressor(), long, long.length - 1), undefined)
      const text = utf8('a'.repeat(1000))
      const packed = (await deflate(compressor(), text))!
      assert.equal((await deflate(compressor(), text, packed.length))?.length, packed.length)
      assert.equal(await deflate(compressor(), text, packed.length - 1), undefined)
    })

    for (const [what, hex] of malformed) {
      it(`refuses ${what}`, async () => {
        const broken = inflater()
        await assert.rejects(inflate(broken, fromHex(hex)), isMalformed)
        broken.release()
        // The next user of the codec is not affected.
        assert.equal(toHex(await inflate(inflater(), fromHex('f248cdc9c90700'))), toHex(utf8('Hello')))
      })
    }

    it('refuses a long message that is truncated or malformed', async () => {
      const packed = zip(noise(300_000))
      await assert.rejects(inflate(inflater(), packed.subarray(0, 200_000)), isMalformed)
      const wrong = concat(packed.subarray(0, 150_000), fromHex('ffffffffff'), packed.subarray(150_000))
      await assert.rejects(inflate(inflater(), wrong), isMalformed)
    })

    it('inflates no further than its sink allows', async () => {
      const bomb = zip(new Uint8Array(64 << 20))
      let emitted = 0
      let largest = 0
      const limited = inflater()
      await assert.rejects(
        inflate(limited, bomb, (length) => {
          emitted += length
          largest = Math.max(largest, length)
          if (emitted > 1 << 20) throw new ProtocolError('messageTooBig')
        }),
        (error) => error instanceof ProtocolError && error.code === 'messageTooBig',
      )
      limited.release()
      assert.ok(emitted <= (1 << 20) + (64 << 10), `${emitted}`)
      assert.ok(largest <= 64 << 10, `${largest}`)
    })

    it('accepts a message in pieces, cut anywhere', async () => {
      const message = utf8(`${'piece after piece '.repeat(40)}${'x'.repeat(100_000)}`)
      const packed = zip(message)
      for (const cut of [1, 7, packed.length - 1]) {
        const other = inflater()
        const parts = [await inflate(other, packed.subarray(0, cut), undefined, false)]
        parts.push(await inflate(other, packed.subarray(cut)))
        assert.deepEqual(concat(...parts), message)
        other.release()
      }
    })

    it('counts the memory of an incomplete message, and none before and after it', async () => {
      const packed = zip(noise(100_000))
      const other = inflater()
      assert.equal(other.heldBytes, 0)
      await inflate(other, packed.subarray(0, 50_000), undefined, false)
      // Either the input waits, or the context has it in its window.
      assert.ok(other.heldBytes >= 32 << 10, `${other.heldBytes}`)
      assert.ok(other.heldBytes <= 50_000 + (64 << 10), `${other.heldBytes}`)
      await inflate(other, packed.subarray(50_000))
      other.release()
      assert.equal(other.heldBytes, 0)
      const abandoned = inflater()
      await inflate(abandoned, packed.subarray(0, 50_000), undefined, false)
      abandoned.release()
      assert.equal(abandoned.heldBytes, 0)
    })

    it('counts the input that is inflated later', async () => {
      const packed = zip(noise(100_000))
      const other = inflater()
      await new Promise<void>((resolve, reject) => {
        const done = (error?: unknown): void => (error === undefined ? resolve() : reject(error))
        assert.equal(
          other.inflate(packed, 0, packed.length, true, () => {}, done),
          'later',
        )
        assert.ok(other.heldBytes >= packed.length, `${other.heldBytes}`)
      })
      other.release()
      assert.equal(other.heldBytes, 0)
    })

    it('reports nothing for work in progress when a context is released', async () => {
      const message = noise(500_000)
      let calls = 0
      const count = (): void => {
        calls += 1
      }
      const one = compressor()
      const other = inflater()
      one.deflate(message, 0, message.length, true, message.length, count)
      const packed = zip(message)
      other.inflate(packed, 0, packed.length, true, () => {}, count)
      one.release()
      other.release()
      // Later work in the queue is done, so the released work would have been reported.
      await Promise.all([deflate(compressor(), noise(100_000)), inflate(inflater(), zip(noise(100_000)))])
      assert.equal(calls, 0)
    })

    it('processes many messages at a time', async () => {
      const all = Array.from({ length: 20 }, (_, index) => noise(70_000 + index))
      const packed = await Promise.all(all.map((message) => deflate(compressor(), message, Number.POSITIVE_INFINITY)))
      const back = await Promise.all(packed.map((bytes) => inflate(inflater(), bytes!)))
      assert.deepEqual(
        back.map((bytes) => toHex(bytes.subarray(0, 8))),
        all.map((bytes) => toHex(bytes.subarray(0, 8))),
      )
      assert.deepEqual(
        back.map(({ length }) => length),
        all.map(({ length }) => length),
      )
    })

    if (codec.keepsHistory) describeHistory(compressor, inflater)
  })
}

function describeHistory(
  compressor: (takeover: boolean, bits?: number) => Compressor,
  inflater: (takeover: boolean, bits?: number) => Inflater,
): void {
  it('refers to earlier messages with takeover, §7.2.3.2', async () => {
    const one = compressor(true)
    const other = inflater(true)
    const first = (await deflate(one, utf8('Hello')))!
    const second = (await deflate(one, utf8('Hello')))!
    assert.equal(toHex(first), 'f248cdc9c90700')
    assert.equal(toHex(second), 'f200110000')
    assert.equal(toHex(await inflate(other, first)), toHex(utf8('Hello')))
    assert.equal(toHex(await inflate(other, second)), toHex(utf8('Hello')))
    one.release()
    other.release()
  })

  it('counts no context that is kept between messages', async () => {
    const other = inflater(true)
    await inflate(other, zip(noise(1000)))
    assert.equal(other.heldBytes, 0)
    await inflate(other, zip(noise(1000)).subarray(0, 500), undefined, false)
    assert.equal(other.heldBytes, 0)
    other.release()
  })

  it('does not pass a history to the next user', async () => {
    const one = compressor(true)
    await deflate(one, utf8('Hello'))
    one.release()
    assert.equal(toHex((await deflate(compressor(true), utf8('Hello')))!), 'f248cdc9c90700')
    const other = inflater(true)
    await inflate(other, fromHex('f248cdc9c90700'))
    other.release()
    await assert.rejects(inflate(inflater(true), fromHex('f200110000')), isMalformed)
  })

  it('starts a new history after a message that would have grown', async () => {
    const one = compressor(true)
    const other = inflater(true)
    const random = noise(2000)
    for (const [message, comes] of [
      [utf8('Hello, Hello, Hello'), true],
      [random, false],
      [random, false],
      [utf8('Hello, Hello, Hello'), true],
    ] as const) {
      const packed = await deflate(one, message, message.length - 1)
      assert.equal(packed !== undefined, comes)
      if (packed !== undefined) assert.equal(toHex(await inflate(other, packed)), toHex(message))
    }
  })

  it('keeps a history across short and long messages', async () => {
    for (const bits of [9, 12, 15]) {
      const one = compressor(true, bits)
      const other = inflater(true, bits)
      for (const length of [10, 300_000, 10, 70_000, 1000, 600_000, 3]) {
        const message = utf8(`${length}: ${'text '.repeat(length / 5)}${toHex(noise(Math.min(length, 1000)))}`)
        const packed = (await deflate(one, message))!
        assert.deepEqual(new Uint8Array(await inflate(other, packed)), message)
      }
      one.release()
      other.release()
    }
  })

  it('compresses a message in pieces, each of which can be inflated at once', async () => {
    const one = compressor(true)
    const other = inflater(true)
    for (const pieces of [
      ['a piece', ' and a piece', ''],
      ['', ''],
      ['x'.repeat(200_000), 'y'],
    ]) {
      for (const [index, piece] of pieces.entries()) {
        const last = index === pieces.length - 1
        const packed = (await deflate(one, utf8(piece), Number.POSITIVE_INFINITY, last))!
        assert.deepEqual(concat(await inflate(other, packed, undefined, last)), utf8(piece))
      }
    }
  })
}

const messages = [1, 5, 306, 4096, 8187, 8192, 32_768, 65_536, 65_537, 300_000].map((length) =>
  utf8(JSON.stringify(Array.from({ length: length / 5 + 1 }, (_, index) => index * 7919)).slice(0, length)),
)

/** The examples of RFC 7692 §7.2.3, and other well-formed streams. */
const vectors: readonly (readonly [hex: string, text: string, rule: string])[] = [
  ['f248cdc9c90700', 'Hello', 'one block, §7.2.3.1'],
  ['000500faff48656c6c6f00', 'Hello', 'no compression, §7.2.3.3'],
  ['f348cdc9c9070000', 'Hello', 'a block with BFINAL, §7.2.3.4'],
  ['f248050000 00ffff cac9c90700'.replaceAll(' ', ''), 'Hello', 'two blocks, §7.2.3.5'],
  ['00', '', 'an empty message, §7.2.3.6'],
  ['f348cdc9c90700', 'Hello', 'a block with BFINAL and nothing after it'],
  ['030000', '', 'an empty block with BFINAL'],
]

/** Streams that no known sender produces, which a codec without histories need not read. */
const rareVectors: typeof vectors = [
  ['f348cdc9c90700f348cdc9c9070000', 'HelloHello', 'two blocks with BFINAL'],
  ['0300030000', '', 'empty blocks with BFINAL'],
]

const malformed: readonly (readonly [what: string, hex: string])[] = [
  ['a reserved block type', '07'],
  ['a stored block whose length is not confirmed', '000500fbff48656c6c6f00'],
  ['a distance before the beginning', 'f200110000'],
  ['a truncated stored block', '000500faff4865'],
  ['a truncated block', 'f248cd'],
  ['no bytes at all', ''],
]

function isMalformed(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === 'compressionMalformed'
}

function deflate(
  compressor: Compressor,
  message: Uint8Array,
  most = Number.POSITIVE_INFINITY,
  last = true,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const copy = (output: Uint8Array | undefined): void => resolve(output && Uint8Array.from(output))
    const output = compressor.deflate(message, 0, message.length, last, most, copy)
    if (output !== 'later') copy(output)
  })
}

async function inflate(
  inflater: Inflater,
  packed: Uint8Array,
  check: (length: number) => void = () => {},
  last = true,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let ends = 0
  await new Promise<void>((resolve, reject) => {
    // Inflated from the middle of a buffer, which is overwritten afterwards.
    const input = concat(fromHex('ffff'), packed, fromHex('ffff'))
    const result = inflater.inflate(
      input,
      2,
      2 + packed.length,
      last,
      (bytes, start, end, isLast) => {
        assert.equal(ends, 0, 'nothing comes behind the last')
        check(end - start)
        parts.push(Uint8Array.from(bytes.subarray(start, end)))
        if (isLast) ends += 1
      },
      (error) => (error === undefined ? resolve() : reject(error)),
    )
    input.fill(0)
    if (result === 'done') resolve()
  })
  assert.equal(ends, last ? 1 : 0)
  return concat(...parts)
}

function zip(message: Uint8Array): Uint8Array {
  const packed = zlib.deflateRawSync(message, { finishFlush: zlib.constants.Z_SYNC_FLUSH })
  return Uint8Array.from(packed.subarray(0, -4))
}

function unzip(packed: Uint8Array): Uint8Array {
  return zlib.inflateRawSync(concat(packed, fromHex('0000ffff')), { finishFlush: zlib.constants.Z_SYNC_FLUSH })
}

/** Incompressible bytes, the same in each run. */
function noise(length: number): Uint8Array {
  let state = length
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return state >>> 24
  })
}
