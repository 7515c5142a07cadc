import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, fromHex, toHex, utf8 } from 'twoway-testing/bytes.js'
import { inEveryCut } from 'twoway-testing/cuts.js'
import { ConnectionHarness } from 'twoway-testing/harnesses/connection-harness.js'
import { UsageError } from './errors.js'
import { Opcode } from './opcode.js'

const { continuation, text, binary, close, ping, pong } = Opcode

/** A client's frame. */
function masked(opcode: number, payload: Uint8Array | string = '', fin = true): Uint8Array {
  return frame({ opcode, payload, fin, masked: true })
}

const messages = (count: number): Uint8Array =>
  concat(...Array.from({ length: count }, (_, index) => masked(text, String(index + 1))))

/** More connections than parsers and assemblers are kept for. */
const many = 200

describe('Connection: parsers and assemblers, which connections lend each other', () => {
  const roles = ['server', 'client'] as const
  const messageOf = (index: number): string => `message ${index} `.repeat(1 + (index % 20))
  /** A message in two frames with a Ping between them, and another message. */
  const bytesFor = (index: number, role: 'server' | 'client'): Uint8Array => {
    const message = messageOf(index)
    const isMasked = role === 'server'
    return concat(
      frame({ opcode: text, payload: message.slice(0, index % 7), fin: false, masked: isMasked }),
      frame({ opcode: ping, payload: `${index}`, masked: isMasked }),
      frame({ opcode: continuation, payload: message.slice(index % 7), masked: isMasked }),
      frame({ opcode: binary, payload: Uint8Array.of(index), masked: isMasked }),
    )
  }
  const logOf = (index: number): string[] => [`text ${messageOf(index)}`, `binary ${toHex(Uint8Array.of(index))}`]

  it('keeps apart what is incomplete on connections whose reads alternate', () => {
    for (const readBytes of [1, 2, 5, 17]) {
      const peers = Array.from({ length: many }, (_, index) => {
        const role = roles[index % 2]!
        return { harness: new ConnectionHarness({ role }), bytes: bytesFor(index, role) }
      })
      const longest = Math.max(...peers.map(({ bytes }) => bytes.length))
      for (let at = 0; at < longest; at += readBytes) {
        for (const { harness, bytes } of peers) {
          const piece = bytes.slice(at, at + readBytes)
          if (piece.length > 0) harness.receive(piece)
        }
      }
      for (const [index, { harness }] of peers.entries()) assert.deepEqual(harness.log, logOf(index))
    }
  })

  it('keeps apart connections that receive within a handler of each other', () => {
    const inner = new ConnectionHarness()
    const outer = new ConnectionHarness({
      onMessage: (_, { log }) => {
        inner.receive(bytesFor(log.length, 'server').slice())
      },
    })
    outer.receive(concat(messages(3), bytesFor(9, 'server')))
    assert.deepEqual(outer.log, ['text 1', 'text 2', 'text 3', ...logOf(9)])
    assert.deepEqual(inner.log, [1, 2, 3, 4, 5].flatMap(logOf))
  })

  it('lends nothing of a connection that has failed within a frame or a message', () => {
    for (let count = 0; count < many; count += 1) {
      const failing = new ConnectionHarness()
      failing.receive(concat(masked(text, 'begun', false), masked(continuation, 'rest').subarray(0, 4)))
      failing.connection.fail(1011)
      const wrong = new ConnectionHarness()
      wrong.receive(concat(masked(text, 'begun', false), fromHex('83')))
      assert.match(wrong.log.join(), /reservedOpcode/)
      const next = new ConnectionHarness()
      next.receive(bytesFor(count, 'server'))
      assert.deepEqual(next.log, logOf(count))
    }
  })

  it('tells the length and kind of each message while it is delivered', () => {
    const told: unknown[] = []
    const harness = new ConnectionHarness({
      onMessage: (_, { connection }) => told.push(connection.messageBytes, connection.messageIsText),
    })
    harness.receive(concat(masked(text, 'grün'), masked(binary, fromHex('00ff'))))
    harness.receive(masked(text, 'a'))
    assert.deepEqual(told, [5, true, 2, false, 1, true])
  })
})

describe('Connection: receiving', () => {
  it('delivers text and binary, whole and fragmented, with control frames between, §5.4, §5.5', () => {
    const bytes = concat(
      masked(text, 'Hello'),
      masked(binary, fromHex('00ff')),
      masked(text, 'grü', false),
      masked(ping, 'p1'),
      masked(continuation, 'ß', false),
      masked(pong, 'p2'),
      masked(continuation, ' 👋'),
      masked(text, ''),
    )
    inEveryCut(bytes, (feed) => {
      const harness = new ConnectionHarness()
      feed((piece) => harness.receive(piece))
      assert.deepEqual(harness.log, ['text Hello', 'binary 00ff', 'pong 7032', 'text grüß 👋', 'text '])
      assert.equal(toHex(harness.transport.written), toHex(frame({ opcode: pong, payload: 'p1' })))
    })
  })

  it('answers all frames of one read with one write', () => {
    const harness = new ConnectionHarness({ onMessage: (message, { connection }) => connection.send(message) })
    harness.receive(messages(16))
    assert.equal(harness.transport.writes.length, 1)
    const echoes = Array.from({ length: 16 }, (_, index) => frame({ opcode: text, payload: String(index + 1) }))
    assert.equal(toHex(harness.transport.written), toHex(concat(...echoes)))
  })

  it('answers only the latest Ping while the network lags, §5.5.3', () => {
    const harness = new ConnectionHarness({ limits: { highWaterMarkBytes: 100 } })
    harness.transport.isFull = true
    harness.connection.send(new Uint8Array(200))
    harness.clock.endTurn()
    harness.transport.clear()
    for (const payload of ['a', 'b', 'c']) harness.receive(masked(ping, payload))
    assert.equal(harness.transport.writes.length, 0)
    harness.transport.drain()
    harness.clock.endTurn()
    assert.equal(toHex(harness.transport.written), toHex(frame({ opcode: pong, payload: 'c' })))
  })

  it('answers no older Ping after a newer one', () => {
    const harness = new ConnectionHarness({ limits: { highWaterMarkBytes: 100 } })
    harness.transport.isFull = true
    harness.connection.send(new Uint8Array(200))
    harness.clock.endTurn()
    harness.transport.clear()
    harness.receive(masked(ping, 'old'))
    harness.transport.pendingBytes = 50
    harness.receive(masked(ping, 'new'))
    harness.transport.drain()
    harness.clock.endTurn()
    assert.equal(toHex(harness.transport.written), toHex(frame({ opcode: pong, payload: 'new' })))
  })

  it("answers a Ping after its own Close, until the peer's Close arrives, §5.5.2", () => {
    const harness = new ConnectionHarness()
    harness.connection.close(1000)
    harness.receive(concat(masked(ping, 'a'), masked(pong, 'b'), masked(close, fromHex('03e8')), masked(ping, 'c')))
    const sent = concat(frame({ opcode: close, payload: fromHex('03e8') }), frame({ opcode: pong, payload: 'a' }))
    assert.equal(toHex(harness.transport.written), toHex(sent))
    assert.deepEqual(harness.log, ['closing'])
  })

  it('holds little more of an incomplete message than has arrived, also after a pause', () => {
    const pieces = concat(masked(binary, 'a', false), masked(continuation, new Uint8Array(2000), false))
    const harness = new ConnectionHarness()
    harness.receive(pieces)
    assert.ok(harness.connection.heldBytes < 3000, `${harness.connection.heldBytes}`)
    const paused = new ConnectionHarness()
    paused.connection.pause()
    paused.receive(pieces)
    paused.connection.resume()
    paused.clock.endTurn()
    assert.ok(paused.connection.heldBytes < 3000, `${paused.connection.heldBytes}`)
    for (const each of [harness, paused]) {
      each.receive(masked(continuation, 'z'))
      assert.deepEqual(each.log, [`binary 61${'00'.repeat(2000)}7a`])
    }
  })

  it('releases an incomplete message when it closes', () => {
    const harness = new ConnectionHarness()
    harness.receive(masked(binary, new Uint8Array(1000), false))
    assert.ok(harness.connection.heldBytes >= 1000)
    harness.connection.close()
    assert.equal(harness.connection.heldBytes, 0)
  })
})

describe('Connection: a handler in the middle of a read of many frames', () => {
  const whenTwo = (act: (harness: ConnectionHarness) => void) => ({
    onMessage: (message: string | Uint8Array, harness: ConnectionHarness) => {
      if (message === '2') act(harness)
    },
  })

  it('that closes gets no more messages, and the Close follows what was sent', () => {
    inEveryCut(concat(messages(4), masked(close, fromHex('03e8'))), (feed) => {
      const harness = new ConnectionHarness(
        whenTwo(({ connection }) => {
          connection.send('bye')
          connection.close(1000)
          assert.equal(connection.send('late'), 'closed')
        }),
      )
      feed((piece) => harness.receive(piece))
      harness.connection.closed()
      assert.deepEqual(harness.log, ['text 1', 'text 2', 'closing', 'closed 1000 "" clean'])
      const sent = concat(frame({ opcode: text, payload: 'bye' }), frame({ opcode: close, payload: fromHex('03e8') }))
      assert.equal(toHex(harness.transport.written), toHex(sent))
    })
  })

  it('that terminates gets no more messages, and nothing is sent', () => {
    inEveryCut(messages(4), (feed) => {
      const harness = new ConnectionHarness(whenTwo(({ connection }) => connection.terminate()))
      feed((piece) => harness.receive(piece))
      assert.deepEqual(harness.log, ['text 1', 'text 2', 'closing'])
      assert.deepEqual(harness.transport.calls, ['destroy'])
    })
  })

  it('that pauses gets the rest in order after it resumes, and nothing before', () => {
    inEveryCut(messages(6), (feed) => {
      const harness = new ConnectionHarness({
        onMessage: (message, { connection }) => {
          if (Number(message) % 2 === 0) connection.pause()
        },
      })
      feed((piece) => harness.receive(piece))
      for (const count of [2, 4, 6]) {
        assert.equal(harness.log.length, count)
        assert.ok(harness.connection.isPaused)
        harness.connection.resume()
        assert.equal(harness.log.length, count, 'delivered within resume()')
        harness.clock.endTurn()
      }
      assert.deepEqual(harness.log, ['text 1', 'text 2', 'text 3', 'text 4', 'text 5', 'text 6'])
      assert.equal(harness.connection.heldBytes, 0)
    })
  })

  it('that pauses and resumes at once loses nothing', () => {
    const harness = new ConnectionHarness(
      whenTwo(({ connection }) => {
        connection.pause()
        connection.resume()
      }),
    )
    harness.receive(messages(4))
    assert.deepEqual(harness.log, ['text 1', 'text 2', 'text 3', 'text 4'])
  })

  it('that pauses and then closes still takes part in the closing handshake', () => {
    const harness = new ConnectionHarness(
      whenTwo(({ connection }) => {
        connection.pause()
        connection.close(1000)
      }),
    )
    harness.receive(concat(messages(4), masked(close, fromHex('03e8'))))
    harness.clock.endTurn()
    assert.equal(harness.connection.state, 'closesExchanged')
    assert.deepEqual(harness.log, ['text 1', 'text 2', 'closing'])
    assert.equal(harness.transport.calls.includes('resume'), true)
  })

  it('whose message is answered within the read gets the answer after the rest of the read', () => {
    const harness = new ConnectionHarness(whenTwo((self) => self.receive(masked(text, 'answer'))))
    harness.receive(messages(4))
    assert.deepEqual(harness.log, ['text 1', 'text 2', 'text 3', 'text 4', 'text answer'])
  })

  it('that pauses while an answer arrives within the read gets both in order after it resumes', () => {
    const harness = new ConnectionHarness(
      whenTwo((self) => {
        self.receive(masked(text, 'answer'))
        self.connection.pause()
      }),
    )
    harness.receive(messages(4))
    assert.deepEqual(harness.log, ['text 1', 'text 2'])
    harness.connection.resume()
    harness.clock.endTurn()
    assert.deepEqual(harness.log, ['text 1', 'text 2', 'text 3', 'text 4', 'text answer'])
  })

  it('sees the end of the transport only after the messages', () => {
    const harness = new ConnectionHarness(
      whenTwo(({ connection }) => {
        connection.ended()
        assert.equal(connection.state, 'open')
      }),
    )
    harness.receive(messages(4))
    assert.deepEqual(harness.log, ['text 1', 'text 2', 'text 3', 'text 4', 'closing'])
  })

  it('that is paused sees the end of the transport after it has resumed and got the rest', () => {
    const harness = new ConnectionHarness(whenTwo(({ connection }) => connection.pause()))
    harness.receive(messages(3))
    harness.connection.ended()
    assert.equal(harness.connection.state, 'open')
    harness.connection.resume()
    harness.clock.endTurn()
    assert.deepEqual(harness.log, ['text 1', 'text 2', 'text 3', 'closing'])
  })
})

describe('Connection: sending', () => {
  it("returns 'buffered' above the high-water mark, and emits drain once", () => {
    const harness = new ConnectionHarness({ limits: { highWaterMarkBytes: 1002 } })
    harness.transport.isFull = true
    assert.equal(harness.connection.send(new Uint8Array(998)), 'sent')
    harness.clock.endTurn()
    assert.equal(harness.connection.waitingBytes, 1002)
    assert.equal(harness.connection.send(new Uint8Array(1)), 'buffered')
    harness.clock.endTurn()
    assert.deepEqual(harness.log, [])
    harness.transport.drain()
    harness.transport.drain()
    assert.deepEqual(harness.log, ['drain'])
    assert.equal(harness.connection.waitingBytes, 0)
  })

  it('emits drain if the mark is below the bytes of one turn', () => {
    const harness = new ConnectionHarness({ limits: { highWaterMarkBytes: 10 } })
    assert.equal(harness.connection.send('a'.repeat(20)), 'buffered')
    harness.clock.endTurn()
    assert.deepEqual(harness.log, [])
    harness.clock.runTasks()
    assert.deepEqual(harness.log, ['drain'])
  })

  it('accepts a message of any length while no more than the limit waits', () => {
    for (const [waiting, taken] of [
      [1000, true],
      [1001, false],
    ] as const) {
      const harness = new ConnectionHarness({ limits: { maxBufferedBytes: 1000 }, whenBufferFull: 'drop' })
      harness.transport.isFull = true
      harness.connection.send(new Uint8Array(waiting - 4))
      harness.clock.endTurn()
      assert.equal(harness.connection.waitingBytes, waiting)
      assert.equal(harness.connection.send(new Uint8Array(100_000)) !== 'dropped', taken)
    }
  })

  it('fails with 1013 if too much waits, or drops the message', () => {
    const harness = new ConnectionHarness({ limits: { maxBufferedBytes: 1000 } })
    harness.transport.isFull = true
    harness.connection.send(new Uint8Array(2000))
    harness.clock.endTurn()
    harness.transport.clear()
    assert.equal(harness.connection.send('x'), 'closed')
    assert.equal(toHex(harness.transport.written.subarray(2, 4)), '03f5')
    assert.equal(harness.connection.state, 'failing')
    assert.deepEqual(harness.log, [
      'closing',
      'error 2004 bytes wait for the peer to read them; closed with 1013, overloaded: try again later',
    ])
  })

  it("returns 'closed' once it is closing", () => {
    const harness = new ConnectionHarness()
    harness.connection.close()
    assert.equal(harness.connection.send('x'), 'closed')
    assert.equal(harness.connection.send(new Uint8Array(1)), 'closed')
  })

  it('sends a Ping of 125 bytes and refuses one of 126, §5.5', () => {
    const { connection, clock, transport } = new ConnectionHarness()
    connection.ping(new Uint8Array(125))
    clock.endTurn()
    assert.equal(transport.written.length, 127)
    assert.throws(() => connection.ping(new Uint8Array(126)), UsageError)
    connection.close()
    connection.ping(new Uint8Array(1))
  })

  it("throws for a status that can't be sent and changes nothing", () => {
    const { connection, transport, clock } = new ConnectionHarness()
    assert.throws(() => connection.close(1006), UsageError)
    assert.throws(() => connection.close(1000, 'x'.repeat(124)), UsageError)
    clock.endTurn()
    assert.equal(connection.state, 'open')
    assert.deepEqual(transport.calls, [])
  })

  it('masks what a client sends, with a new key for each frame, §5.3', () => {
    const harness = new ConnectionHarness({ role: 'client' })
    harness.connection.send('Hello')
    harness.connection.send(utf8('Hello'))
    harness.connection.close(1000)
    harness.clock.endTurn()
    const hello = '37fa213d7f9f4d5158'
    assert.equal(toHex(harness.transport.written), `8185${hello}8285${hello}888237fa213d3412`)
  })

  it('shortens a long reason when it fails', () => {
    const harness = new ConnectionHarness()
    harness.connection.fail(1011, 'because '.repeat(50))
    assert.ok(harness.transport.written.length <= 127)
    assert.equal(harness.transport.written[0], 0x88)
  })
})

describe('Connection: a peer that asks for too much', () => {
  const answer = {
    onMessage: (_: unknown, { connection }: ConnectionHarness) => {
      connection.send(new Uint8Array(100))
    },
  }

  it('is not read while its answers wait above the high-water mark', () => {
    inEveryCut(messages(5), (feed) => {
      const harness = new ConnectionHarness({ limits: { highWaterMarkBytes: 204 }, ...answer })
      harness.transport.isFull = true
      feed((piece) => harness.receive(piece))
      assert.deepEqual(harness.log, ['text 1', 'text 2', 'text 3'])
      assert.equal(harness.transport.calls.filter((call) => call === 'pause').length, 1)
      harness.transport.drain()
      harness.clock.endTurn()
      assert.equal(harness.transport.calls.filter((call) => call === 'resume').length, 1)
      assert.deepEqual(harness.log, ['text 1', 'text 2', 'text 3', 'drain', 'text 4', 'text 5'])
    })
  })

  it('is still read if the waiting bytes are not answers to it', () => {
    const harness = new ConnectionHarness({ limits: { highWaterMarkBytes: 100 } })
    harness.transport.isFull = true
    harness.connection.send(new Uint8Array(1000))
    harness.clock.endTurn()
    harness.receive(messages(2))
    assert.deepEqual(harness.log, ['text 1', 'text 2'])
  })

  it('is still read by a client: two endpoints that wait for each other would wait for ever', () => {
    const harness = new ConnectionHarness({ role: 'client', limits: { highWaterMarkBytes: 100 }, ...answer })
    harness.transport.isFull = true
    for (let count = 0; count < 5; count++) harness.receive(frame({ opcode: text, payload: 'x' }))
    assert.equal(harness.log.length, 5)
  })

  it('gives others their turn after 1024 frames, and its messages stay in order', () => {
    const harness = new ConnectionHarness()
    harness.receive(messages(3000))
    assert.equal(harness.log.length, 1024)
    assert.equal(harness.transport.calls.at(-1), 'pause')
    harness.clock.runTasks(1)
    assert.equal(harness.log.length, 2048)
    harness.receive(masked(text, 'behind'))
    harness.clock.runTasks(1)
    assert.equal(harness.log.length, 3001)
    assert.ok(harness.transport.calls.lastIndexOf('resume') > harness.transport.calls.lastIndexOf('pause'))
    assert.equal(harness.log.at(-2), 'text 3000')
    assert.equal(harness.log.at(-1), 'text behind')
    assert.equal(harness.connection.heldBytes, 0)
  })

  it('has its Close answered in the middle of a flood', () => {
    const harness = new ConnectionHarness()
    harness.receive(concat(messages(2000), masked(close, fromHex('03e8')), messages(10)))
    harness.clock.runTasks()
    assert.equal(harness.log.length, 2001)
    assert.equal(harness.connection.state, 'closesExchanged')
  })

  it('is active, whatever it sends', () => {
    const harness = new ConnectionHarness()
    assert.equal(harness.connection.takeActivity(), false)
    harness.receive(masked(pong).subarray(0, 1))
    assert.equal(harness.connection.takeActivity(), true)
    assert.equal(harness.connection.takeActivity(), false)
  })

  it('is still read while its answers wait behind our message in pieces, which may depend on its input', () => {
    const harness = new ConnectionHarness({
      limits: { highWaterMarkBytes: 10 },
      onMessage: (message, { connection }) => void connection.send(message),
    })
    const message = harness.connection.sendInPieces({ type: 'text' }, assert.ifError)
    const asked = concat(masked(binary, new Uint8Array(20)), masked(ping))
    harness.receive(asked)
    assert.deepEqual(harness.transport.calls, ['write'])
    // Progress on the network depends on the peer.
    harness.transport.isFull = true
    message.write('x'.repeat(20))
    harness.clock.runTasks()
    harness.receive(asked)
    assert.ok(harness.transport.calls.includes('pause'))
    message.end()
    harness.transport.drain()
    harness.clock.runTasks()
    assert.ok(harness.transport.calls.lastIndexOf('resume') > harness.transport.calls.lastIndexOf('pause'))
  })

  it('is active if the network takes waiting bytes, but not by bytes taken at once', () => {
    const harness = new ConnectionHarness()
    harness.connection.send('taken at once')
    harness.clock.endTurn()
    assert.equal(harness.connection.takeActivity(), false)
    harness.transport.isFull = true
    harness.connection.send(new Uint8Array(1000))
    harness.clock.endTurn()
    assert.equal(harness.connection.takeActivity(), false)
    harness.transport.pendingBytes -= 1
    assert.equal(harness.connection.takeActivity(), true)
    assert.equal(harness.connection.takeActivity(), false)
  })

  it('is still read after the handler has closed', () => {
    const harness = new ConnectionHarness({
      limits: { highWaterMarkBytes: 100 },
      onMessage: (_, { connection }) => {
        connection.send(new Uint8Array(1000))
        connection.close(1000)
      },
    })
    harness.transport.isFull = true
    harness.receive(masked(text, 'x'))
    harness.receive(masked(close, fromHex('03e8')))
    assert.equal(harness.connection.state, 'closesExchanged')
    assert.ok(!harness.transport.calls.includes('pause'))
  })
})

describe('Connection: the end of the transport', () => {
  it('is reported with its error and 1006 if the connection was open', () => {
    const harness = new ConnectionHarness()
    harness.connection.closed(new Error('read ECONNRESET'))
    assert.deepEqual(harness.log, [
      'closing',
      'error the connection was lost: read ECONNRESET',
      'closed 1006 "" unclean',
    ])
  })

  it('is reported with an error that is made for it', () => {
    const harness = new ConnectionHarness()
    harness.connection.closed(() => new Error('read ECONNRESET'))
    assert.equal(harness.log[1], 'error the connection was lost: read ECONNRESET')
  })

  it('makes no error for a connection that was closing', () => {
    const harness = new ConnectionHarness()
    harness.connection.close(1000)
    harness.connection.closed(() => assert.fail('it is made'))
    assert.deepEqual(harness.log, ['closing', 'closed 1006 "" unclean'])
  })

  it('is 1006 without an error if the peer just ended', () => {
    const harness = new ConnectionHarness()
    harness.connection.ended()
    harness.connection.closed()
    assert.deepEqual(harness.log, ['closing', 'closed 1006 "" unclean'])
  })
})
