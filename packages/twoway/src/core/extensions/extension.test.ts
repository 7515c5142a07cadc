import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, fromHex, toHex, utf8 } from 'twoway-testing/bytes.js'
import { inEveryCut } from 'twoway-testing/cuts.js'
import { ConnectionHarness } from 'twoway-testing/harnesses/connection-harness.js'
import type { DecodedSink } from '../../ports/deflate-codec.js'
import { HandshakeError, ProtocolError } from '../errors.js'
import { Opcode } from '../opcode.js'
import type { Extension, ExtensionNegotiator } from './extension.js'
import { acceptExtension, confirmExtension } from './negotiation.js'

const { continuation, text, binary, ping } = Opcode

/** A test extension that doubles each byte of messages longer than two bytes. */
class Doubling implements Extension {
  readonly name = 'x-double'
  readonly messageBits = 4
  readonly heldBytes = 0
  readonly encodesPieces = false
  isClosed = false
  #half: number | undefined

  wants(length: number): boolean {
    return length >= 3
  }

  encode(bytes: Uint8Array, start: number, end: number): Uint8Array {
    return Uint8Array.from([...bytes.subarray(start, end)].flatMap((byte) => [byte, byte]))
  }

  decode(bytes: Uint8Array, start: number, end: number, last: boolean, emit: DecodedSink): 'done' {
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (this.#half === undefined) {
        this.#half = byte
      } else {
        if (byte !== this.#half) throw new ProtocolError('textNotUtf8', 'not doubled')
        this.#half = undefined
        emit(bytes, at, at + 1, false)
      }
    }
    if (last && this.#half !== undefined) throw new ProtocolError('textNotUtf8', 'half a byte')
    if (last) emit(bytes, end, end, true)
    return 'done'
  }

  stopDecoding(): void {
    this.#half = undefined
  }

  close(): void {
    this.isClosed = true
  }
}

const doubled = (message: string): Uint8Array => new Doubling().encode(utf8(message), 0, utf8(message).length)
const masked = (opcode: number, payload: Uint8Array | string, more: object = {}): Uint8Array =>
  frame({ opcode, payload, masked: true, ...more })

describe('Extension: the data phase', () => {
  it('decodes marked messages, leaves others alone, and lets control frames pass between', () => {
    const payload = doubled('grüß dich')
    const bytes = concat(
      masked(text, payload.subarray(0, 5), { fin: false, reservedBits: 4 }),
      masked(ping, 'pp'),
      masked(continuation, payload.subarray(5, 5), { fin: false }),
      masked(continuation, payload.subarray(5)),
      masked(text, 'aabb'),
      masked(binary, doubled('abc'), { reservedBits: 4 }),
      masked(text, '', { reservedBits: 4 }),
    )
    inEveryCut(bytes, (feed) => {
      const extension = new Doubling()
      const harness = new ConnectionHarness({ extension })
      feed((piece) => harness.receive(piece))
      assert.deepEqual(harness.log, ['text grüß dich', 'text aabb', 'binary 616263', 'text '])
      harness.connection.closed()
      assert.ok(extension.isClosed)
    })
  })

  it('marks encoded messages, and no others', () => {
    const harness = new ConnectionHarness({ extension: new Doubling() })
    harness.connection.send('abc')
    harness.connection.send('ab')
    harness.connection.send(utf8('xyz'))
    harness.clock.endTurn()
    assert.equal(toHex(harness.transport.written), `c106616162626363${'81026162'}c206787879797a7a`)
  })

  it('limits the decoded length, piece by piece', () => {
    const harness = new ConnectionHarness({ extension: new Doubling(), limits: { maxMessageBytes: 10 } })
    harness.receive(masked(binary, doubled('0123456789'), { reservedBits: 4 }))
    harness.receive(masked(binary, doubled('0123456789a').subarray(0, 21), { fin: false, reservedBits: 4 }))
    assert.deepEqual(harness.log, ['binary 30313233343536373839'])
    harness.receive(masked(continuation, fromHex('61')))
    assert.deepEqual(harness.log.slice(1), ['closing', 'error messageTooBig'])
  })

  it('fails the connection with the error that it throws', () => {
    const harness = new ConnectionHarness({ extension: new Doubling() })
    harness.receive(masked(text, 'ab', { reservedBits: 4 }))
    assert.deepEqual(harness.log, ['closing', 'error textNotUtf8'])
  })
})

describe('Extension: negotiation', () => {
  const negotiator: ExtensionNegotiator = {
    name: 'x-double',
    offers: [{ name: 'x-double', parameters: [] }],
    accept: (offer) => (offer.parameters.length === 0 ? { answer: 'x-double', extension: new Doubling() } : undefined),
    confirm: (answer) => (answer.parameters.length === 0 ? new Doubling() : undefined),
  }
  const offer = (name: string, parameter?: string) => ({
    name,
    parameters: parameter === undefined ? [] : [[parameter, undefined] as const],
  })

  it("accepts the client's first offer that it can meet, §9.1", () => {
    const offers = [offer('x-other'), offer('x-double', 'hard'), offer('x-double')]
    assert.equal(acceptExtension(offers, [negotiator])?.extension.name, 'x-double')
    assert.equal(acceptExtension(offers.slice(0, 2), [negotiator]), undefined)
    assert.equal(acceptExtension(offers, []), undefined)
  })

  it('confirms an answer that fits what was offered and refuses others, §4.1', () => {
    assert.equal(confirmExtension([], [negotiator]), undefined)
    assert.equal(confirmExtension([offer('x-double')], [negotiator])?.name, 'x-double')
    for (const answers of [[offer('x-double', 'hard')], [offer('x-other')], [offer('x-double'), offer('x-double')]]) {
      assert.throws(
        () => confirmExtension(answers, [negotiator]),
        (error) => error instanceof HandshakeError && error.code === 'extensionNotOffered',
      )
    }
  })
})
