import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, fromHex, toHex, utf8 } from 'twoway-testing/bytes.js'
import { ConnectionHarness, type HarnessOptions } from 'twoway-testing/harnesses/connection-harness.js'
import { Slow } from 'twoway-testing/harnesses/slow-extension.js'
import { UsageError } from '../errors.js'
import type { MessageWriter } from './message-writer.js'

interface Stream {
  readonly message: MessageWriter
  readonly errors: Error[]
}

function start(harness: ConnectionHarness, type?: 'text' | 'binary'): Stream {
  const errors: Error[] = []
  return { message: harness.connection.sendInPieces({ type }, (error) => errors.push(error)), errors }
}

function setUp(options?: HarnessOptions, type?: 'text' | 'binary') {
  const harness = new ConnectionHarness(options)
  return { harness, ...start(harness, type) }
}

/** The written bytes at the end of the turn. */
function written(harness: ConnectionHarness): string {
  harness.clock.runTasks()
  return toHex(harness.transport.written)
}

const text = (payload: string, fin = true): Uint8Array => frame({ opcode: 1, payload, fin })
const rest = (payload: string | Uint8Array, fin = true): Uint8Array => frame({ opcode: 0, payload, fin })

describe('MessageWriter', () => {
  it('gathers the pieces of a turn into one fragment', () => {
    const { harness, message } = setUp()
    for (const piece of ['a', '', 'b', 'c']) assert.equal(message.write(piece), undefined)
    assert.equal(written(harness), toHex(text('abc', false)))
    message.write('d')
    message.end()
    assert.equal(written(harness), toHex(concat(text('abc', false), rest('d'))))
  })

  it('sends a message that ends within the turn in one frame', () => {
    const { harness, message } = setUp()
    message.write(Uint8Array.of(1, 2))
    message.write('é')
    message.end()
    assert.equal(written(harness), toHex(frame({ opcode: 2, payload: fromHex('0102c3a9') })))
  })

  for (const [type, opcode] of [
    [undefined, 2],
    ['binary', 2],
    ['text', 1],
  ] as const) {
    it(`sends a message without pieces as an empty one, of type ${type}`, () => {
      const { harness, message } = setUp({}, type)
      message.end()
      assert.equal(written(harness), toHex(frame({ opcode })))
      assert.equal(harness.connection.send('next'), 'sent')
    })
  }

  it('keeps the halves of a character together, and sends a lone one as U+FFFD', () => {
    const [high, low] = ['\ud83d', '\udc4b']
    const { harness, message } = setUp({}, 'text')
    message.write(`a${high}`)
    assert.equal(written(harness), toHex(text('a', false)))
    message.write(`${low}b${high}`)
    message.write(high)
    message.write(utf8('c'))
    message.write(high)
    message.end()
    assert.equal(written(harness), toHex(concat(text('a', false), rest('👋b\ufffd\ufffdc\ufffd'))))
  })

  it('accepts UTF-8 bytes for a text, wherever they are split', () => {
    const { harness, message } = setUp({}, 'text')
    for (const byte of utf8('é👋')) message.write(Uint8Array.of(byte))
    message.end()
    assert.equal(written(harness), toHex(text('é👋')))
  })

  for (const [what, pieces] of [
    ['a byte that can not follow', [Uint8Array.of(0xc3), Uint8Array.of(0x28)]],
    ['a string within a character', [Uint8Array.of(0xc3), 'a']],
    ['an end within a character', [Uint8Array.of(0xc3)]],
  ] as const) {
    it(`refuses ${what} in a text`, () => {
      const { message } = setUp({}, 'text')
      assert.throws(
        () => {
          for (const piece of pieces) message.write(piece)
          message.end()
        },
        (error) => error instanceof UsageError && error.code === 'messageNotUtf8',
      )
    })
  }

  it('cuts a long text between characters', () => {
    const { harness, message } = setUp()
    const long = `x${'👋'.repeat(20_000)}`
    void message.write(long)
    harness.clock.runTasks()
    message.end()
    harness.clock.runTasks()
    const peer = new ConnectionHarness({ role: 'client' })
    for (const bytes of harness.transport.writes) peer.receive(bytes)
    assert.deepEqual(peer.log, [`text ${long}`])
    assert.ok(harness.transport.writes.every((bytes) => bytes.length <= 16 << 10))
  })

  it('stops at the high-water mark, and continues once the network has taken what waits', async () => {
    const highWaterMarkBytes = 32 << 10
    const { harness, message } = setUp({ limits: { highWaterMarkBytes } })
    harness.transport.isFull = true
    const payload = Uint8Array.from({ length: 100_000 }, (_, index) => index)
    let isTaken = false
    const taken = message.write(payload)!.then(() => {
      isTaken = true
    })
    harness.clock.runTasks()
    await undefined
    assert.equal(isTaken, false)
    const waiting = harness.connection.waitingBytes
    assert.ok(waiting > highWaterMarkBytes && waiting <= highWaterMarkBytes + (17 << 10), `${waiting}`)
    harness.transport.drain()
    harness.clock.runTasks()
    await taken
    message.end()
    const peer = new ConnectionHarness({ role: 'client' })
    harness.clock.runTasks()
    peer.receive(harness.transport.written)
    assert.deepEqual(peer.log, [`binary ${toHex(payload)}`])
  })

  it('gives others their turn, however fast the network and however small the pieces', async () => {
    const { harness, message } = setUp()
    const taken = message.write(new Uint8Array(200_000))
    assert.ok(taken !== undefined)
    assert.ok(harness.transport.written.length < 100_000)
    harness.clock.runTasks()
    await taken
    let pieces = 1
    while (message.write('x') === undefined) pieces += 1
    assert.equal(pieces, 1024)
  })

  it('copies a piece, which may be changed afterwards', () => {
    const { harness, message } = setUp()
    harness.transport.isFull = true
    const piece = new Uint8Array(20_000).fill(1)
    message.write(piece)
    piece.fill(2)
    message.write(piece)
    message.end()
    const peer = new ConnectionHarness({ role: 'client' })
    harness.clock.runTasks()
    peer.receive(harness.transport.written)
    assert.deepEqual(peer.log, [`binary ${'01'.repeat(20_000)}${'02'.repeat(20_000)}`])
  })
})

describe('MessageWriter: a message that is sent meanwhile', () => {
  it('waits in order until the writer ends; control frames go between the fragments, §5.4', () => {
    const { harness, message } = setUp()
    const { connection } = harness
    const second = start(harness)
    message.write('1')
    harness.clock.runTasks()
    const bytes = Uint8Array.of(1, 2)
    assert.equal(connection.send(bytes), 'sent')
    bytes.fill(9)
    const third = start(harness)
    assert.equal(connection.send('last'), 'sent')
    assert.equal(second.message.turn() instanceof Promise, true)
    connection.ping(utf8('ping'))
    harness.receive(frame({ opcode: 9, payload: 'from peer', masked: true }))
    assert.equal(connection.waitingBytes, 2 + 4)
    message.end()
    assert.equal(connection.waitingBytes > 6, true)
    second.message.write('2')
    second.message.end()
    third.message.end()
    assert.equal(
      written(harness),
      toHex(
        concat(
          text('1', false),
          frame({ opcode: 9, payload: 'ping' }),
          frame({ opcode: 10, payload: 'from peer' }),
          rest(''),
          text('2'),
          frame({ opcode: 2, payload: Uint8Array.of(1, 2) }),
          frame({ opcode: 2 }),
          text('last'),
        ),
      ),
    )
    assert.equal(connection.waitingBytes, 0)
  })

  it('counts as waiting: send answers buffered above the high-water mark, and drain follows', () => {
    const { harness, message } = setUp({ limits: { highWaterMarkBytes: 10 } })
    assert.equal(harness.connection.send('0123456789'), 'sent')
    assert.equal(harness.connection.send('0'), 'buffered')
    harness.clock.runTasks()
    assert.deepEqual(harness.log, [])
    message.end()
    harness.clock.runTasks()
    assert.deepEqual(harness.log, ['drain'])
  })

  it('is refused above maxBufferedBytes', () => {
    const options: HarnessOptions = { limits: { highWaterMarkBytes: 10, maxBufferedBytes: 20 }, whenBufferFull: 'drop' }
    const { harness } = setUp(options)
    assert.equal(harness.connection.send('x'.repeat(21)), 'buffered')
    assert.equal(harness.connection.send('x'), 'dropped')
  })

  it('goes out at once if an unbegun message is abandoned', () => {
    const { harness, message } = setUp()
    harness.connection.send('next')
    const second = start(harness)
    harness.connection.send('last')
    second.message.abandon()
    message.abandon()
    assert.equal(message.hasBegun, false)
    assert.equal(written(harness), toHex(concat(text('next'), text('last'))))
  })

  it('is dropped if the connection closes: the Close goes out at once, and the writer is told', () => {
    const { harness, message, errors } = setUp()
    const second = start(harness)
    message.write('1')
    harness.clock.runTasks()
    harness.connection.send('next')
    harness.connection.close(1000)
    assert.deepEqual([errors.length, second.errors.length], [1, 1])
    assert.equal(written(harness), toHex(concat(text('1', false), frame({ opcode: 8, payload: fromHex('03e8') }))))
    message.write('2')
    message.end()
    second.message.abandon()
    assert.equal(written(harness), toHex(concat(text('1', false), frame({ opcode: 8, payload: fromHex('03e8') }))))
    assert.equal(harness.connection.waitingBytes, 0)
  })
})

describe('MessageWriter: a fragment that is encoded asynchronously', () => {
  const marked = (payload: string, fin: boolean): Uint8Array => frame({ opcode: 1, payload, fin, reservedBits: 4 })
  const long = 'a long piece'

  it('delays the next fragment and later messages', async () => {
    const slow = new Slow()
    const { harness, message } = setUp({ extension: slow })
    message.write(long)
    assert.equal(written(harness), '')
    assert.equal(harness.connection.waitingBytes, long.length)
    const taken = message.write('second')
    assert.ok(taken instanceof Promise)
    harness.connection.send('behind')
    assert.equal(written(harness), '')
    slow.goOn()
    await taken
    message.end()
    const behind = frame({ opcode: 1, payload: 'behind', reservedBits: 4 })
    assert.equal(written(harness), toHex(concat(marked(long, false), rest('second'), behind)))
    assert.equal(harness.connection.waitingBytes, 0)
  })

  it('ends the message behind it', () => {
    const slow = new Slow()
    const { harness, message } = setUp({ extension: slow })
    message.write(long)
    harness.clock.runTasks()
    message.end()
    harness.connection.send('behind')
    slow.goOn()
    const behind = frame({ opcode: 1, payload: 'behind', reservedBits: 4 })
    assert.equal(written(harness), toHex(concat(marked(long, false), rest(''), behind)))
  })

  it('is dropped if the connection closes', () => {
    const slow = new Slow()
    const { harness, message, errors } = setUp({ extension: slow })
    message.write(long)
    harness.clock.runTasks()
    harness.connection.close()
    slow.goOn()
    assert.equal(written(harness), '8800')
    assert.equal(errors.length, 1)
  })

  it('counts as begun, so abandoning the message must fail the connection', () => {
    const { harness, message } = setUp({ extension: new Slow() })
    message.write(long)
    harness.clock.runTasks()
    assert.equal(message.hasBegun, true)
  })

  it('may leave the message unencoded', () => {
    const { harness, message } = setUp({ extension: new Slow() })
    const asIs = harness.connection.sendInPieces({ compress: false }, () => {})
    message.abandon()
    asIs.write(long)
    asIs.end()
    assert.equal(written(harness), toHex(text(long)))
  })

  it('fails the connection if encoding fails within the message', () => {
    const slow = new Slow()
    const { harness, message, errors } = setUp({ extension: slow })
    message.write('first')
    harness.clock.runTasks()
    message.write(long)
    harness.clock.runTasks()
    slow.fail()
    assert.match(written(harness), /^4105.*88..03f3/)
    assert.equal(errors.length, 1)
  })
})
