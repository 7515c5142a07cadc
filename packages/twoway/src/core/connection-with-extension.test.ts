import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, fromHex, toHex, utf8 } from 'twoway-testing/bytes.js'
import { ConnectionHarness } from 'twoway-testing/harnesses/connection-harness.js'
import { Slow } from 'twoway-testing/harnesses/slow-extension.js'
import { serverLimits } from './limits.js'
import { Opcode } from './opcode.js'

const { text, ping, close } = Opcode

const marked = (payload: string): Uint8Array => frame({ opcode: text, reservedBits: 4, payload })
const long = 'a long message'
const received = (payload: string | Uint8Array): Uint8Array =>
  frame({ opcode: text, reservedBits: 4, payload, masked: true })

function started(limits?: ConstructorParameters<typeof ConnectionHarness>[0]): {
  readonly slow: Slow
  readonly harness: ConnectionHarness
  readonly sent: () => string
} {
  const slow = new Slow()
  const harness = new ConnectionHarness({ extension: slow, ...limits })
  const sent = (): string => {
    harness.clock.runTasks()
    return toHex(harness.transport.written)
  }
  return { slow, harness, sent }
}

describe('Connection: asynchronous encoding', () => {
  it('keeps messages in order, and counts waiting ones', () => {
    const { slow, harness, sent } = started()
    const { connection } = harness
    const bytes = utf8('bytes')
    assert.equal(connection.send('first'), 'sent')
    assert.equal(connection.send(long), 'sent')
    connection.send(bytes)
    bytes.fill(0)
    connection.send('as is', false)
    connection.send(`${long}2`)
    assert.equal(sent(), toHex(marked('first')))
    assert.equal(connection.waitingBytes, 14 + 5 + 5 + 15)
    assert.equal(connection.framedBytes, 7)
    // A Ping is not a message, so it may go first.
    connection.ping(utf8('p'))
    slow.goOn()
    const frames = [
      marked('first'),
      frame({ opcode: ping, payload: 'p' }),
      marked(long),
      frame({ opcode: Opcode.binary, reservedBits: 4, payload: 'bytes' }),
      frame({ opcode: text, payload: 'as is' }),
    ]
    assert.equal(sent(), toHex(concat(...frames)))
    assert.equal(connection.waitingBytes, 15)
    slow.goOn()
    assert.equal(sent(), toHex(concat(...frames, marked(`${long}2`))))
    assert.equal(connection.waitingBytes, 0)
    assert.equal(connection.framedBytes, 7 + 3 + 16 + 7 + 7 + 17)
  })

  it("counts messages that wait to be encoded for 'buffered' and drain", () => {
    const { slow, harness, sent } = started({ limits: { highWaterMarkBytes: 20, maxBufferedBytes: 40 } })
    assert.equal(harness.connection.send(long), 'sent')
    assert.equal(harness.connection.send(long), 'buffered')
    assert.equal(harness.connection.send(long), 'buffered')
    assert.equal(harness.connection.send(long), 'closed')
    assert.equal(harness.log[0], 'closing')
    assert.match(harness.log[1]!, /^error 42 bytes wait for the peer/)
    slow.goOn()
    assert.equal(sent().slice(0, 2), '88')
  })

  it('stops reading a peer whose answers wait to be encoded, until they are', () => {
    const { slow, harness, sent } = started({
      limits: { highWaterMarkBytes: 10 },
      onMessage: (message, { connection }) => connection.send(message),
    })
    harness.receive(concat(frame({ opcode: text, payload: long, masked: true }), received('next')))
    assert.deepEqual(harness.log, [`text ${long}`])
    slow.goOn()
    assert.equal(sent(), toHex(concat(marked(long), marked('next'))))
    assert.deepEqual(
      harness.log.filter((line) => line !== 'drain'),
      [`text ${long}`, 'text next'],
    )
  })

  it('sends a Close after all earlier messages, whoever closes first', () => {
    for (const closes of [
      (harness: ConnectionHarness) => harness.connection.close(1000),
      (harness: ConnectionHarness) => harness.receive(frame({ opcode: close, payload: fromHex('03e8'), masked: true })),
    ]) {
      const { slow, harness, sent } = started()
      harness.connection.send(long)
      closes(harness)
      assert.equal(sent(), '')
      assert.ok(!harness.transport.calls.includes('end'))
      slow.goOn()
      assert.equal(sent(), toHex(concat(marked(long), frame({ opcode: close, payload: fromHex('03e8') }))))
    }
  })

  it('sends one Close where the connection fails while its Close waits, with the status of the failure, §7.1.7', () => {
    const { slow, harness, sent } = started()
    harness.connection.send(long)
    harness.connection.close(1000)
    harness.receive(fromHex('8fff'))
    // A Close of 46 bytes with 1002, not the waiting one with 1000.
    assert.match(sent(), /^882e03ea/)
    slow.goOn()
    assert.equal(harness.transport.writes.length, 1)
    assert.ok(harness.transport.calls.includes('end'))
  })

  it('is not clean if it ends before its own Close was sent after waiting messages, §7.1.4', () => {
    for (const end of ['terminate', 'timeout', 'lost'] as const) {
      const { harness, sent } = started()
      harness.connection.send(long)
      harness.receive(frame({ opcode: close, payload: fromHex('03e8'), masked: true }))
      if (end === 'terminate') harness.connection.terminate()
      if (end === 'timeout') harness.clock.advance(serverLimits.closeTimeoutMs)
      harness.connection.closed()
      assert.equal(sent(), '')
      assert.equal(harness.log.at(-1), 'closed 1000 "" unclean')
    }
  })

  it('keeps a Close and the end of the transport after earlier messages if the peer ends meanwhile', () => {
    for (const own of [true, false]) {
      const { slow, harness, sent } = started()
      harness.connection.send(long)
      if (own) harness.connection.close(1000)
      harness.connection.ended()
      assert.equal(sent(), '')
      assert.ok(!harness.transport.calls.includes('end'))
      slow.goOn()
      const closing = own ? [frame({ opcode: close, payload: fromHex('03e8') })] : []
      assert.equal(sent(), toHex(concat(marked(long), ...closing)))
      assert.deepEqual(harness.transport.calls, ['write', 'end'])
    }
  })

  it("counts a client's unsent messages by their original length, and keeps counting dropped ones", () => {
    const { slow, harness } = started({ role: 'client' })
    const { connection, clock, transport } = harness
    const message = new Uint8Array(20_000)
    connection.send(message)
    connection.send(message)
    assert.equal(connection.unsentBytes, 40_000)
    clock.runTasks()
    slow.goOn()
    // It was sent by now, but the number does not fall within the task.
    assert.equal(transport.writes.length, 1)
    assert.equal(connection.unsentBytes, 40_000)
    clock.runTasks()
    assert.equal(connection.unsentBytes, 20_000)
    connection.closed()
    assert.equal(connection.unsentBytes, 20_000)
  })

  it('drops waiting messages if the connection fails or is lost, and ignores late results', () => {
    for (const end of ['fail', 'terminate', 'closed'] as const) {
      const { slow, harness, sent } = started()
      harness.connection.send(long)
      if (end === 'fail') harness.connection.fail(1011)
      else harness.connection[end]()
      slow.goOn()
      assert.equal(sent(), end === 'fail' ? '880203f3' : '')
      assert.equal(harness.connection.waitingBytes, 0)
      assert.ok(slow.log.includes('close'))
    }
  })
})

describe('Connection: asynchronous decoding', () => {
  it('stops reading meanwhile, and keeps the order', () => {
    const { slow, harness, sent } = started({ onMessage: (message, { connection }) => connection.send(message, false) })
    harness.receive(concat(received('1'), received(long), received('2'), frame({ opcode: ping, masked: true })))
    assert.deepEqual(harness.log, ['text 1'])
    assert.equal(harness.transport.calls.at(-2), 'pause')
    harness.receive(received('3'))
    harness.connection.ended()
    slow.goOn()
    assert.equal(
      sent(),
      toHex(
        concat(
          frame({ opcode: text, payload: '1' }),
          frame({ opcode: text, payload: long }),
          frame({ opcode: text, payload: '2' }),
          frame({ opcode: Opcode.pong }),
          frame({ opcode: text, payload: '3' }),
        ),
      ),
    )
    assert.deepEqual(harness.log, ['text 1', `text ${long}`, 'text 2', 'text 3', 'closing'])
  })

  it('fails the connection with its error', () => {
    const { slow, harness } = started()
    harness.receive(concat(received(concat(fromHex('ff'), new Uint8Array(20))), received('2')))
    slow.goOn()
    harness.clock.runTasks()
    assert.deepEqual(harness.log, ['closing', 'error compressionMalformed'])
  })

  it('closes without waiting for it', () => {
    const { slow, harness, sent } = started()
    harness.receive(concat(received(long), frame({ opcode: close, payload: fromHex('03e8'), masked: true })))
    harness.connection.close(1001)
    assert.ok(slow.log.includes('stopDecoding'))
    assert.equal(sent(), '880203e9')
    harness.connection.closed()
    assert.deepEqual(harness.log.at(-1), 'closed 1000 "" clean')
  })
})
