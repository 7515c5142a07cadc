import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateRawSync, constants as zlib } from 'node:zlib'
import fc from 'fast-check'
import { concat, frame } from 'twoway-testing/bytes.js'
import { ConnectionHarness, type HarnessOptions } from 'twoway-testing/harnesses/connection-harness.js'
import { deflatePair } from 'twoway-testing/harnesses/deflate-pair.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { Slow } from 'twoway-testing/harnesses/slow-extension.js'
import type { MessageReader } from './receiving/message-reader.js'
import { ReadTurns } from './receiving/read-turns.js'
import { ReceiveBudget } from './receiving/receive-budget.js'

const kib = 1 << 10
const masked = true
/** A block of DEFLATE that stores nothing, RFC 1951 §3.2.4. */
const emptyBlock = Uint8Array.of(0, 0, 0, 0xff, 0xff)
const zeros = (length: number): Uint8Array => new Uint8Array(length)
const binary = (length: number, fin = true): Uint8Array => frame({ opcode: 2, fin, payload: zeros(length), masked })
const half = (length: number): Uint8Array => binary(2 * length).subarray(0, -length)

/** DEFLATE data of random bytes, which do not shrink, or of zeros, which do. The end of the message is missing. */
function compressed(length: number, isRandom: boolean): Uint8Array {
  let seed = 1
  const message = Uint8Array.from({ length }, () => {
    seed = (seed * 48_271) % 0x7fffffff
    return isRandom ? seed : 0
  })
  const payload = deflateRawSync(message, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4)
  return frame({ opcode: 2, fin: false, reservedBits: 4, payload, masked })
}

/** More than is gathered before it is inflated. */
const longInput = compressed(1100 * kib, true)
const shortInput = compressed(5000, true)
const halfText = frame({ opcode: 1, payload: 'a'.repeat(40_000), masked }).subarray(0, -1)

interface Kind {
  readonly name: string
  readonly options?: () => HarnessOptions
  /** Sends incomplete input, or input that is not consumed. */
  readonly send: (harness: ConnectionHarness) => void
  /** Lower bound of the held bytes. */
  readonly least: number
}

/** All kinds of input that a connection can hold. */
const kinds: readonly Kind[] = [
  { name: 'half a frame', send: (harness) => harness.receive(half(5000)), least: 5000 },
  { name: 'a fragment', send: (harness) => harness.receive(binary(5000, false)), least: 5000 },
  {
    name: 'many fragments in a read',
    send: (harness) => harness.receive(concat(binary(100, false), ...Array.from({ length: 50 }, () => more(100)))),
    least: 5100,
  },
  {
    name: 'half a text',
    send: (harness) => harness.receive(halfText),
    least: 39_999,
  },
  {
    name: 'the whole frames behind a pause',
    send(harness) {
      harness.connection.pause()
      harness.receive(binary(5000))
    },
    least: 5000,
  },
  {
    name: 'what comes while a handler is waited for',
    options: () => ({ onMessage: (_, { connection }) => connection.awaitHandler() }),
    send: (harness) => harness.receive(concat(binary(1), binary(5000))),
    least: 5000,
  },
  {
    name: 'what comes behind a message that is decoded elsewhere',
    options: () => ({ extension: new Slow() }),
    send: (harness) =>
      harness.receive(concat(frame({ opcode: 2, reservedBits: 4, payload: zeros(20), masked }), binary(5000))),
    least: 5000,
  },
  {
    name: 'a short part of a compressed message',
    options: () => ({ extension: deflatePair().server }),
    send: (harness) => harness.receive(shortInput),
    least: 5000,
  },
  {
    name: 'the input of a compressed message that waits for the thread pool, and its context',
    options: () => ({ extension: deflatePair().server, limits: { maxMessageBytes: 4 << 20 } }),
    send: (harness) => harness.receive(longInput),
    least: 1132 * kib,
  },
  {
    name: 'a stream that nobody reads',
    options: () => ({ onStream() {} }),
    send: (harness) => harness.receive(binary(5000, false)),
    least: 5000,
  },
  {
    name: 'what comes behind a stream that nobody reads',
    options: () => ({ onStream() {}, limits: { highWaterMarkBytes: 10 } }),
    send: (harness) => {
      harness.receive(binary(100))
      harness.receive(binary(5000))
    },
    least: 5100,
  },
]

function more(length: number): Uint8Array {
  return frame({ opcode: 0, fin: false, payload: zeros(length), masked })
}

function setUp(kind: Kind, receiveBudget: ReceiveBudget): ConnectionHarness {
  const harness = new ConnectionHarness({ ...kind.options?.(), receiveBudget })
  kind.send(harness)
  return harness
}

/** As the server's timer does from time to time. */
function checkProgress({ receiveBudget }: ConnectionHarness, now: number, timeoutMs: number): void {
  assert.ok(receiveBudget instanceof ReceiveBudget)
  receiveBudget.checkProgress(now, timeoutMs)
}

type End = (harness: ConnectionHarness) => void

/** All ways in which a connection can end. Its transport is gone afterwards. */
const ends: { readonly [name: string]: End } = {
  'a close of ours': ({ connection }) => connection.close(1000),
  'a close that times out'({ connection, clock }) {
    connection.close(1000)
    clock.advance(60_000)
  },
  "a close of ours that the peer's answers": (harness) => {
    harness.connection.close(1000)
    harness.receive(frame({ opcode: 8, payload: Uint8Array.of(3, 232), masked }))
  },
  'a failure of ours': ({ connection }) => connection.fail(1011, 'a handler threw'),
  'a broken rule': (harness) => harness.receive(Uint8Array.of(0x83, 0x80, 0, 0, 0, 0)),
  terminate: ({ connection }) => connection.terminate(),
  'a reset of ours': ({ connection }) => connection.terminate(true),
  "the peer's end": ({ connection }) => connection.ended(),
  'a reset': ({ connection }) => connection.closed(new Error('ECONNRESET')),
  'the budget': (harness) => harness.evict(),
  'a message that does not come on': (harness) => {
    checkProgress(harness, harness.clock.now(), 30_000)
    harness.clock.advance(30_000)
    checkProgress(harness, harness.clock.now(), 30_000)
  },
}

describe('the memory of incomplete input', () => {
  for (const kind of kinds) {
    it(`is counted: ${kind.name}`, () => {
      const budget = new ReceiveBudget(1 << 30)
      const harness = setUp(kind, budget)
      assert.ok(budget.used >= kind.least, `${budget.used}`)
      assert.equal(budget.used, harness.connection.heldBytes)
      harness.connection.terminate()
    })

    it(`closes the connection with 1013 above the budget: ${kind.name}`, () => {
      const [below, at] = [kind.least - 1, kind.least * 3].map((most) => {
        const budget = new ReceiveBudget(Math.floor((most * 8) / 7))
        const harness = setUp(kind, budget)
        return { state: harness.connection.state, log: harness.log, used: budget.used }
      })
      assert.equal(at!.state, 'open')
      assert.notEqual(below!.state, 'open')
      assert.match(below!.log.join('\n'), /error the incomplete input of all peers .* 1013/)
      assert.equal(below!.used, 0)
    })

    it(`is released at once above the budget, and the connection closes in its turn: ${kind.name}`, () => {
      const budget = new ReceiveBudget(kind.least)
      const clock = new FakeClock()
      const harness = new ConnectionHarness({
        ...kind.options?.(),
        receiveBudget: budget,
        readTurns: new ReadTurns(clock, budget),
      })
      kind.send(harness)
      assert.deepEqual([budget.used, budget.holders, harness.connection.heldBytes], [0, 0, 0])
      clock.runTasks()
      assert.equal(harness.connection.state, 'failing')
      assert.equal(harness.log.filter((line) => /^error .* 1013/.test(line)).length, 1)
      assert.ok(harness.transport.calls.includes('end'))
    })

    for (const [name, end] of Object.entries(ends)) {
      it(`is released by ${name}: ${kind.name}`, () => {
        const budget = new ReceiveBudget(1 << 30)
        const harness = setUp(kind, budget)
        end(harness)
        harness.clock.runTasks()
        // Little memory remains until the peer answers or the transport ends.
        if (harness.connection.state === 'closesExchanged' || harness.connection.state === 'failing') {
          assert.equal(budget.used, 0)
        }
        if (harness.connection.state !== 'closed') harness.connection.closed()
        assert.deepEqual([budget.used, budget.holders, harness.connection.heldBytes], [0, 0, 0])
        harness.clock.advance(60_000)
        assert.deepEqual([budget.used, budget.holders], [0, 0])
      })
    }
  }

  it('is released when the message completes', () => {
    const budget = new ReceiveBudget(1 << 30)
    const harness = new ConnectionHarness({ receiveBudget: budget, extension: deflatePair().server })
    const bytes = binary(5000)
    harness.receive(bytes.subarray(0, 4000))
    assert.ok(budget.used >= 3986)
    harness.receive(bytes.subarray(4000))
    assert.deepEqual([budget.used, budget.holders, harness.log.length], [0, 0, 1])
    harness.receive(compressed(5000, true))
    assert.ok(budget.used >= 5000)
    harness.receive(frame({ opcode: 0, payload: new Uint8Array(0), masked }))
    assert.deepEqual([budget.used, budget.holders, harness.log.length], [0, 0, 2])
    harness.connection.pause()
    harness.receive(bytes)
    assert.ok(budget.used >= 5000)
    harness.connection.resume()
    harness.clock.runTasks()
    assert.deepEqual([budget.used, budget.holders, harness.log.length], [0, 0, 3])
  })

  it('is released when asynchronous decoding ends', () => {
    const budget = new ReceiveBudget(1 << 30)
    const extension = new Slow()
    const harness = new ConnectionHarness({ receiveBudget: budget, extension })
    harness.receive(frame({ opcode: 2, reservedBits: 4, payload: zeros(20), masked }))
    assert.deepEqual([budget.holders, harness.log.length], [1, 0])
    extension.goOn()
    assert.deepEqual([budget.used, budget.holders, harness.log.length], [0, 0, 1])
  })

  it('is released when a reader reads or discards the message', async () => {
    for (const isDiscarded of [false, true]) {
      let message: MessageReader | undefined
      const budget = new ReceiveBudget(1 << 30)
      const onStream = (begun: MessageReader): void => {
        message = begun
      }
      const harness = new ConnectionHarness({ receiveBudget: budget, onStream })
      harness.receive(binary(5000))
      assert.ok(budget.used >= 5000)
      if (isDiscarded) message!.discard()
      else assert.equal((await message!.next())?.length, 5000)
      harness.clock.runTasks()
      assert.deepEqual([budget.used, budget.holders], [0, 0])
    }
  })

  it('is the received size of a compressed message, not its inflated size', () => {
    const budget = new ReceiveBudget(1 << 30)
    const harness = new ConnectionHarness({ receiveBudget: budget, extension: deflatePair().server })
    const bytes = compressed(1 << 20, false)
    for (let at = 0; at < bytes.length; at += 100) harness.receive(bytes.subarray(at, at + 100))
    assert.ok(budget.used <= 2 * bytes.length, `${budget.used} for ${bytes.length}`)
  })

  it('is at most 32 times the received bytes, whatever a frame announces', () => {
    for (const fin of [true, false]) {
      for (const came of [1, 100, 1000, 40_000]) {
        const budget = new ReceiveBudget(1 << 30)
        const harness = new ConnectionHarness({ receiveBudget: budget })
        const bytes = frame({ opcode: 2, fin, payload: zeros(1 << 20), masked })
        harness.receive(bytes.subarray(0, 14 + came))
        assert.ok(budget.used >= came && budget.used <= Math.max(1024, 32 * came), `${budget.used} for ${came}`)
      }
    }
  })

  it('is not counted if reads bring whole messages', () => {
    const receiveBudget = { limit: 0, used: 0, open: (): never => assert.fail('a share was opened') }
    for (const extension of [undefined, deflatePair().server]) {
      const harness = new ConnectionHarness({ receiveBudget, ...(extension && { extension }) })
      harness.receive(
        concat(binary(100), binary(70_000), binary(100, false), frame({ opcode: 0, payload: 'a', masked })),
      )
      harness.receive(frame({ opcode: 9, payload: 'ping', masked }))
      assert.equal(harness.log.length, 3)
    }
  })

  it('is zero after connections have held input and ended in random ways', () => {
    const visit = fc.tuple(fc.nat(kinds.length - 1), fc.nat(Object.keys(ends).length - 1), fc.boolean())
    fc.assert(
      fc.property(fc.array(visit, { minLength: 20, maxLength: 60 }), (visits) => {
        const budget = new ReceiveBudget(400 * kib)
        const open: ConnectionHarness[] = []
        const way = Object.values(ends)
        for (const [kind, end, isLate] of visits) {
          const harness = setUp(kinds[kind]!, budget)
          open.push(harness)
          const leaving = isLate ? open.shift()! : harness
          if (leaving.connection.state === 'open') way[end]!(leaving)
          leaving.clock.runTasks()
          if (leaving.connection.state === 'open') leaving.connection.closed()
          const held = [...open, leaving].reduce((sum, { connection }) => sum + connection.heldBytes, 0)
          assert.equal(budget.used, held)
          assert.ok(budget.used <= 350 * kib)
        }
        for (const { connection } of open) if (connection.state !== 'closed') connection.closed()
      }),
      { numRuns: 50, seed: 12 },
    )
  })
})

describe('a message that makes no progress', () => {
  const timeoutMs = 30_000

  /** Checks each second while calling `act` with the second; returns when the connection ended, or undefined. */
  function endsAt(
    harness: ConnectionHarness,
    seconds: number,
    act: (second: number) => void = () => {},
  ): number | undefined {
    for (let second = 1; second <= seconds; second++) {
      harness.clock.advance(1000)
      act(second)
      checkProgress(harness, harness.clock.now(), timeoutMs)
      if (harness.connection.state !== 'open') return second
    }
    return undefined
  }

  const newHarness = (options: HarnessOptions = {}): ConnectionHarness =>
    new ConnectionHarness({ ...options, receiveBudget: new ReceiveBudget(1 << 30) })

  for (const [name, bytes] of [
    ['half a frame', half(5000)],
    ['a fragment', binary(10, false)],
    ['an empty fragment', binary(0, false)],
    ['a header alone', binary(5000).subarray(0, 8)],
    ['half a header', binary(5000).subarray(0, 3)],
    ['half a Ping', frame({ opcode: 9, payload: 'ping', masked }).subarray(0, 8)],
  ] as const) {
    it(`fails the connection with 1008 after the timeout, not before: ${name}`, () => {
      const harness = newHarness()
      harness.receive(bytes)
      assert.equal(endsAt(harness, 100), 30)
      assert.deepEqual(harness.log, ['closing', 'error messageTooSlow'])
      assert.deepEqual([...harness.transport.writes[0]!.subarray(2, 4)], [1008 >> 8, 1008 & 0xff])
    })
  }

  it('fails a compressed one likewise', () => {
    const harness = newHarness({ extension: deflatePair().server })
    harness.receive(compressed(5000, true))
    assert.equal(endsAt(harness, 100), 30)
  })

  for (const takeover of [false, true]) {
    it(`gains no time by compressed input that inflates to nothing, ${takeover ? 'with' : 'without'} takeover`, () => {
      /** Fragments of 100 empty blocks and one block of `length` bytes, 505 bytes and those of that block. */
      const endsWith = (length: number): number | undefined => {
        const { server: extension } = deflatePair({
          server: { clientNoContextTakeover: !takeover },
          client: { clientNoContextTakeover: !takeover },
        })
        const harness = newHarness({ extension, onStream() {} })
        const block = deflateRawSync(zeros(length), { finishFlush: zlib.Z_SYNC_FLUSH })
        const payload = concat(...Array.from({ length: 100 }, () => emptyBlock), length === 0 ? zeros(0) : block)
        return endsAt(harness, 2000, (second) => {
          const opcode = second === 1 ? 2 : 0
          const reservedBits = second === 1 ? 4 : 0
          harness.receive(frame({ opcode, fin: false, reservedBits, payload, masked }))
        })
      }
      for (const length of [0, 1]) assert.ok(endsWith(length)! <= 3 * 30, `${length}: ${endsWith(length)}`)
      for (const length of [32, 40]) assert.equal(endsWith(length), undefined, `${length}`)
    })
  }

  it('gains no time by the headers of fragments that inflate to nothing', () => {
    const { server: extension } = deflatePair()
    const harness = newHarness({ extension, onStream() {} })
    const stored = [...concat(...Array.from({ length: 20 }, () => emptyBlock))]
    let isFirst = true
    const seconds = endsAt(harness, 5000, () => {
      for (const byte of stored) {
        const [opcode, reservedBits] = isFirst ? [2, 4] : [0, 0]
        isFirst = false
        harness.receive(frame({ opcode, fin: false, reservedBits, payload: Uint8Array.of(byte), masked }))
      }
    })
    assert.ok(seconds! <= 150, String(seconds))
  })

  it('gives a sender that ends a block with each byte the time that it needs', () => {
    const { server: extension } = deflatePair()
    const harness = newHarness({ extension, onStream() {} })
    // A byte of text with its own end of a block: 7 bytes, and 7 of the frame.
    const block = deflateRawSync(Uint8Array.of(200), { finishFlush: zlib.Z_SYNC_FLUSH })
    const seconds = endsAt(harness, 2000, (second) => {
      const [opcode, reservedBits] = second === 1 ? [2, 4] : [0, 0]
      for (let count = 0; count < 4; count++) {
        const isFirst = second === 1 && count === 0
        harness.receive(
          frame({
            opcode: isFirst ? opcode : 0,
            fin: false,
            reservedBits: isFirst ? reservedBits : 0,
            payload: block,
            masked,
          }),
        )
      }
    })
    assert.equal(seconds, undefined)
  })

  it('gains no time by single bytes, Pings or empty fragments', () => {
    for (const dribble of [
      (harness: ConnectionHarness) => harness.receive(frame({ opcode: 0, fin: false, payload: 'a', masked })),
      (harness: ConnectionHarness) => harness.receive(frame({ opcode: 9, payload: 'a'.repeat(100), masked })),
      (harness: ConnectionHarness) =>
        harness.receive(
          concat(...Array.from({ length: 500 }, () => frame({ opcode: 0, fin: false, payload: '', masked }))),
        ),
    ]) {
      const harness = newHarness()
      harness.receive(binary(10, false))
      assert.equal(
        endsAt(harness, 100, () => dribble(harness)),
        30,
      )
    }
  })

  it('has unlimited time if a KiB arrives within each timeout', () => {
    const harness = newHarness()
    const bytes = binary(100_000)
    harness.receive(bytes.subarray(0, 1000))
    let at = 1000
    const step = (second: number): void => {
      if (second % 29 !== 0) return
      harness.receive(bytes.subarray(at, at + 1024))
      at += 1024
    }
    assert.equal(endsAt(harness, 29 * 100, step), undefined)
    assert.equal(harness.log.length, 1)
    assert.match(harness.log[0]!, /^binary 0000/)
  })

  it('restarts the timeout with each message', () => {
    const harness = newHarness()
    const bytes = binary(100)
    const step = (second: number): void => {
      if (second % 20 === 0) harness.receive(bytes.subarray(0, 50))
      if (second % 20 === 19 && second > 20) harness.receive(bytes.subarray(50))
    }
    assert.equal(endsAt(harness, 500, step), undefined)
  })

  it('is not charged for time in which the server does not read', () => {
    const paused = newHarness()
    paused.receive(half(5000))
    paused.connection.pause()
    assert.equal(endsAt(paused, 500), undefined)
    paused.connection.resume()
    assert.equal(endsAt(paused, 500), 30)

    const waiting = newHarness({ onMessage: (_, { connection }) => connection.awaitHandler() })
    waiting.receive(concat(binary(1), half(5000)))
    assert.equal(endsAt(waiting, 500), undefined)
    waiting.connection.handlerDone()
    assert.equal(endsAt(waiting, 500), 30)
  })

  it('is charged for time in which the peer does not read', () => {
    const harness = newHarness({ limits: { highWaterMarkBytes: 10 } })
    harness.transport.isFull = true
    harness.receive(concat(binary(5000, false), frame({ opcode: 9, payload: zeros(100), masked })))
    assert.ok(harness.transport.calls.includes('pause'))
    assert.equal(endsAt(harness, 500), 30)
  })

  it('is not charged for a slow reader, but is for a slow peer', async () => {
    let message: MessageReader | undefined
    const harness = newHarness({
      limits: { highWaterMarkBytes: 100 },
      onStream: (begun) => {
        message = begun
      },
    })
    harness.receive(half(5000))
    assert.equal(endsAt(harness, 500), undefined, 'the reader is slow')
    assert.equal((await message!.next())?.length, 5000)
    harness.clock.runTasks()
    assert.equal(
      endsAt(harness, 100, (second) => {
        if (second === 20) harness.receive(Uint8Array.of(0))
        if (second === 20) void message!.next()
      }),
      50,
      'a byte is enough where all was read',
    )
    await assert.rejects(async () => {
      while ((await message!.next()) !== undefined);
    }, /does not arrive/)
  })

  it('is left to the closing handshake once that has begun', () => {
    const harness = newHarness()
    harness.receive(half(5000))
    harness.connection.close(1000)
    checkProgress(harness, 1e9, timeoutMs)
    assert.deepEqual(harness.log, ['closing'])
  })
})

describe('long messages of many peers', () => {
  const longRead = zeros(64 * kib)
  const turnBytes = 2048 * kib

  /** A clock of turns that are used up already, by other peers whose incomplete messages take this many bytes. */
  function usedUp(heldByOthers = 16 * kib * kib) {
    const clock = new FakeClock()
    const receiveBudget = new ReceiveBudget(1 << 30)
    const readTurns = new ReadTurns(clock, receiveBudget)
    readTurns.mayReadOn(turnBytes, Number.POSITIVE_INFINITY)
    receiveBudget.open({ evict() {} }).set(heldByOthers)
    return { clock, readTurns, receiveBudget }
  }

  const isPaused = ({ transport }: ConnectionHarness): boolean =>
    transport.calls.findLast((call) => call === 'pause' || call === 'resume') === 'pause'

  it('are read in turns once the bytes of a turn are used up, and come whole', () => {
    const { clock, ...shared } = usedUp()
    const bytes = binary(3 * longRead.length)
    const harness = new ConnectionHarness(shared)
    harness.receive(bytes.subarray(0, longRead.length))
    assert.equal(isPaused(harness), true)
    clock.runTasks()
    assert.equal(isPaused(harness), false)
    harness.receive(bytes.subarray(longRead.length))
    assert.deepEqual([harness.log.length, isPaused(harness)], [1, false])
  })

  it('delay no short messages, and no other connection that holds little', () => {
    const { clock: _, ...shared } = usedUp()
    const harness = new ConnectionHarness(shared)
    harness.receive(binary(100))
    harness.receive(half(1000))
    assert.deepEqual([harness.log.length, isPaused(harness)], [1, false])
  })

  it('need not wait while those of all peers take less than 16 MiB', () => {
    const few = 16 * kib * kib
    for (const missing of [1, 0]) {
      const { clock: _, ...shared } = usedUp(0)
      const others = shared.receiveBudget.open({ evict() {} })
      const harness = new ConnectionHarness(shared)
      harness.receive(half(longRead.length))
      others.set(few - shared.receiveBudget.used - missing)
      harness.receive(longRead.subarray(0, 1))
      assert.equal(isPaused(harness), missing === 0, `${shared.receiveBudget.used} bytes`)
    }
  })

  it('are discarded in turns after their connection failed', () => {
    const { clock, ...shared } = usedUp(0)
    const harness = new ConnectionHarness(shared)
    harness.connection.fail(1011)
    for (let count = 0; count < 3; count++) {
      harness.receive(longRead)
      shared.readTurns.mayReadOn(turnBytes, Number.POSITIVE_INFINITY)
      harness.receive(longRead)
      assert.equal(isPaused(harness), true)
      clock.runTasks()
      assert.equal(isPaused(harness), false)
    }
  })

  it('leave no trace of a connection that is gone before its turn', () => {
    const { clock, ...shared } = usedUp()
    const harness = new ConnectionHarness(shared)
    harness.receive(half(longRead.length))
    harness.connection.terminate()
    harness.connection.closed()
    harness.transport.clear()
    clock.runTasks()
    assert.deepEqual(harness.transport.calls, [])
  })

  const early: { readonly [name: string]: End } = {
    'is lost': ({ connection }) => connection.closed(new Error('ECONNRESET')),
    'is closed by us': ({ connection }) => connection.close(1000),
    'is evicted again': (harness) => harness.evict(),
  }
  for (const [name, end] of Object.entries(early)) {
    it(`are told of once, if their connection ${name} between its eviction and its turn`, () => {
      const clock = new FakeClock()
      const receiveBudget = new ReceiveBudget(64 * kib)
      const harness = new ConnectionHarness({ receiveBudget, readTurns: new ReadTurns(clock, receiveBudget) })
      harness.receive(half(longRead.length))
      assert.deepEqual([harness.log, isPaused(harness), harness.connection.heldBytes], [[], true, 0])
      end(harness)
      clock.runTasks()
      assert.equal(harness.log.filter((line) => line.startsWith('error ')).length, 1)
      assert.match(harness.log.join(), /error the incomplete input of all peers .* 1013/)
      if (harness.connection.state !== 'closed') harness.connection.closed()
      assert.equal(harness.log.filter((line) => line.startsWith('closed ')).length, 1)
    })
  }
})
