import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { frame, fromHex } from 'twoway-testing/bytes.js'
import { ConnectionHarness } from 'twoway-testing/harnesses/connection-harness.js'
import { Opcode } from '../opcode.js'
import { type ClosingEvent, type ClosingState, closingHandshake } from './closing-handshake.js'

const closeTimeoutMs = 5000

function closeFrame(role: 'client' | 'server', payload = '03e8'): Uint8Array {
  return frame({ opcode: Opcode.close, payload: fromHex(payload), masked: role === 'server' })
}

/** Causes each event on a real connection. */
const cause: { readonly [event in ClosingEvent]: (harness: ConnectionHarness, role: 'client' | 'server') => void } = {
  close: ({ connection }) => connection.close(1000),
  peerClose: (harness, role) => harness.receive(closeFrame(role)),
  fail: ({ connection }) => connection.fail(1011),
  peerEnd: ({ connection }) => connection.ended(),
  timeout: ({ clock }) => clock.advance(closeTimeoutMs),
  terminate: ({ connection }) => connection.terminate(),
  lost: ({ connection }) => connection.closed(),
}

/** The events that lead from open to each state. */
const wayTo: { readonly [state in ClosingState]: readonly ClosingEvent[] } = {
  open: [],
  closeSent: ['close'],
  closesExchanged: ['close', 'peerClose'],
  failing: ['fail'],
  closed: ['lost'],
}

/** The calls of the transport and the next state. Written independently of the table: a missing pair has no effect. */
const expected: { readonly [pair: string]: readonly [next: ClosingState, calls: string] } = {
  'open close': ['closeSent', 'write'],
  'open peerClose': ['closesExchanged', 'write end'],
  'open fail': ['failing', 'write end'],
  'open peerEnd': ['failing', 'end'],
  'open terminate': ['failing', 'destroy'],
  'open lost': ['closed', ''],
  'closeSent peerClose': ['closesExchanged', 'end'],
  'closeSent fail': ['failing', 'end'],
  'closeSent peerEnd': ['failing', 'end'],
  'closeSent timeout': ['failing', 'destroy'],
  'closeSent terminate': ['failing', 'destroy'],
  'closeSent lost': ['closed', ''],
  'closesExchanged peerEnd': ['closesExchanged', 'end'],
  'closesExchanged timeout': ['closesExchanged', 'destroy'],
  'closesExchanged terminate': ['closesExchanged', 'destroy'],
  'closesExchanged lost': ['closed', ''],
  'failing timeout': ['failing', 'destroy'],
  'failing terminate': ['failing', 'destroy'],
  'failing lost': ['closed', ''],
}

/** A client waits for its server to end the transport, §7.1.1. */
const expectedOfClient: typeof expected = {
  ...expected,
  'open peerClose': ['closesExchanged', 'write'],
  'closeSent peerClose': ['closesExchanged', ''],
}

const states = Object.keys(wayTo) as ClosingState[]
const events = Object.keys(cause) as ClosingEvent[]

function reach(state: ClosingState, role: 'client' | 'server'): ConnectionHarness {
  const harness = new ConnectionHarness({ role, limits: { closeTimeoutMs } })
  for (const event of wayTo[state]) cause[event](harness, role)
  harness.clock.endTurn()
  assert.equal(harness.connection.state, state)
  harness.transport.clear()
  return harness
}

describe('the closing handshake: each event in each state', () => {
  for (const role of ['server', 'client'] as const) {
    for (const state of states) {
      for (const event of events) {
        const [next, calls] = (role === 'server' ? expected : expectedOfClient)[`${state} ${event}`] ?? [state, '']
        it(`a ${role}, ${state}, on ${event}: ${next}${calls === '' ? '' : `, ${calls}`}`, () => {
          const harness = reach(state, role)
          cause[event](harness, role)
          harness.clock.endTurn()
          assert.equal(harness.connection.state, next)
          assert.equal(harness.transport.calls.join(' '), calls)
        })
      }
    }
  }

  it("starts the peer's timeout in each state that waits for it", () => {
    for (const state of ['closeSent', 'closesExchanged', 'failing'] as const) {
      const harness = reach(state, 'server')
      harness.clock.advance(closeTimeoutMs - 1)
      assert.deepEqual(harness.transport.calls, [])
      harness.clock.advance(1)
      assert.deepEqual(harness.transport.calls, ['destroy'])
    }
  })

  it('has no row without a case', () => {
    const rows = states.flatMap((state) => Object.keys(closingHandshake[state]).map((event) => `${state} ${event}`))
    assert.deepEqual(
      rows.filter((row) => expected[row] === undefined && row !== 'failing peerEnd'),
      [],
    )
  })
})

describe('the closing handshake', () => {
  it("answers the peer's Close with its code and reason, once, and is clean, §5.5.1, §7.1.4", () => {
    for (const [received, sent, closed] of [
      ['', '8800', 'closed 1005 "" clean'],
      ['03e8', '880203e8', 'closed 1000 "" clean'],
      ['0fa0627965', '88050fa0627965', 'closed 4000 "bye" clean'],
    ] as const) {
      const harness = new ConnectionHarness()
      harness.receive(closeFrame('server', received))
      assert.equal(Buffer.from(harness.transport.written).toString('hex'), sent)
      harness.receive(closeFrame('server', received))
      harness.connection.closed()
      assert.deepEqual(harness.log, ['closing', closed])
      assert.equal(harness.transport.writes.length, 1)
    }
  })

  it("discards input after the peer's Close, §5.5.1", () => {
    const harness = new ConnectionHarness()
    harness.receive(closeFrame('server'))
    harness.receive(fromHex('ffffffff'))
    assert.deepEqual(harness.log, ['closing'])
  })

  it('is clean if the transport is reset after both Closes, and unclean if it is lost before, §7.1.4', () => {
    const clean = reach('closesExchanged', 'server')
    clean.connection.closed(new Error('reset'))
    assert.equal(clean.log.at(-1), 'closed 1000 "" clean')
    const unclean = reach('closeSent', 'server')
    unclean.connection.closed(new Error('reset'))
    assert.equal(unclean.log.at(-1), 'closed 1006 "" unclean')
  })
})
