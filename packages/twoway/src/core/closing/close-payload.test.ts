import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, fromHex, toHex, utf8 } from 'twoway-testing/bytes.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { ProtocolError, UsageError } from '../errors.js'
import { closeCodes, describeCloseCode, isWireCloseCode } from './close-code.js'
import { checkCloseStatus, closePayloadOf, readClosePayload, shortenReason } from './close-payload.js'

const read = (bytes: Uint8Array) => readClosePayload(webPayload, bytes, 0, bytes.length)
const breaks = (code: string) => (error: unknown) => error instanceof ProtocolError && error.code === code
const payloadOf = (code: number) => Uint8Array.from([code >> 8, code])

describe('isWireCloseCode', () => {
  it('accepts the defined codes and those of libraries and applications, §7.4', () => {
    const taken = Array.from({ length: 65536 }, (_, code) => code).filter(isWireCloseCode)
    const defined = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
    assert.deepEqual(taken, [...defined, ...Array.from({ length: 2000 }, (_, index) => 3000 + index)])
  })

  it('refuses numbers that are not integers', () => {
    for (const code of [Number.NaN, 3000.5, Number.POSITIVE_INFINITY, -1]) assert.equal(isWireCloseCode(code), false)
  })
})

describe('describeCloseCode', () => {
  it('describes each code of the table', () => {
    for (const [code, { meaning }] of Object.entries(closeCodes)) {
      assert.match(meaning, /^\S.*[^\s.]$/)
      assert.equal(describeCloseCode(Number(code)), meaning)
    }
    assert.equal(describeCloseCode(1013), 'overloaded: try again later')
  })

  it('describes other numbers by their range, §7.4.2', () => {
    for (const [meaning, ...codes] of [
      ['not a close code', -1, 0, 999, 5000, 65535, Number.NaN, Number.POSITIVE_INFINITY],
      ['a code that is kept for later versions of the standard', 1016, 2999],
      ['a code of a library or framework', 3001, 3999],
      ["a code of the application's own", 4000, 4999],
    ] as const) {
      for (const code of codes) assert.equal(describeCloseCode(code), meaning)
    }
  })
})

describe('readClosePayload', () => {
  it('reads an empty payload as 1005, §7.1.5', () => {
    assert.deepEqual(read(new Uint8Array(0)), { code: 1005, reason: '' })
  })

  it('reads a code without a reason and with one, §5.5.1', () => {
    assert.deepEqual(read(fromHex('03e8')), { code: 1000, reason: '' })
    assert.deepEqual(read(concat(fromHex('0fa0'), utf8('再见 👋'))), { code: 4000, reason: '再见 👋' })
  })

  it('refuses a payload of one byte, §5.5.1', () => {
    assert.throws(() => read(fromHex('03')), breaks('closePayloadTooShort'))
  })

  it('refuses a code that must not be sent, §7.4', () => {
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]) {
      assert.throws(() => read(payloadOf(code)), breaks('closeCodeInvalid'))
    }
  })

  it('explains a code that must not be sent, and the code that it fails with', () => {
    assert.throws(() => read(payloadOf(1006)), {
      message:
        'a Close frame carries a status code that must not be sent: 1006, closed without a closing handshake (RFC 6455 §7.4); closed with 1002, protocol error',
      reason:
        'a Close frame carries a status code that must not be sent: 1006, closed without a closing handshake (RFC 6455 §7.4)',
    })
  })

  it('refuses a reason that is not UTF-8, §5.5.1', () => {
    assert.throws(() => read(fromHex('03e8 ff')), breaks('closeReasonNotUtf8'))
    assert.throws(() => read(fromHex('03e8 e4bd')), breaks('closeReasonNotUtf8'))
  })
})

describe('closePayloadOf', () => {
  it('writes nothing for 1005, else the code and the reason', () => {
    assert.equal(toHex(closePayloadOf(webPayload, { code: 1005, reason: '' })), '')
    assert.equal(toHex(closePayloadOf(webPayload, { code: 1000, reason: 'bye' })), '03e8627965')
  })
})

describe('checkCloseStatus', () => {
  const check = (code: number | undefined, reason = '') => checkCloseStatus(webPayload, code, reason)

  it('accepts a reason of 123 bytes and refuses one of 124, §5.5', () => {
    check(1000, 'x'.repeat(123))
    check(1000, '字'.repeat(41))
    assert.throws(() => check(1000, 'x'.repeat(124)), UsageError)
    assert.throws(() => check(1000, `${'字'.repeat(41)}x`), UsageError)
  })

  it('refuses codes that must not be sent, and a reason without a code', () => {
    for (const code of [999, 1004, 1005, 1006, 1015, 2999, 5000, Number.NaN])
      assert.throws(() => check(code), UsageError)
    assert.throws(() => check(undefined, 'why'), UsageError)
    check(undefined)
  })
})

describe('shortenReason', () => {
  it('cuts a reason between characters to fit a Close frame', () => {
    assert.equal(shortenReason(webPayload, 'x'.repeat(123)), 'x'.repeat(123))
    for (const text of ['x'.repeat(124), '字'.repeat(42), '👋'.repeat(31), `a${'👋'.repeat(200)}`]) {
      const short = shortenReason(webPayload, text)
      assert.ok(webPayload.byteLength(short) <= 123)
      assert.ok(webPayload.byteLength(short) > 115)
      assert.ok(text.startsWith(short.slice(0, -1)))
      assert.equal(short, Buffer.from(short).toString())
    }
  })
})
