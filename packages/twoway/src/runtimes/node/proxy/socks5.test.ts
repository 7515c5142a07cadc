import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromHex, toHex } from 'twoway-testing/bytes.js'
import { inEveryCut } from 'twoway-testing/cuts.js'
import { TransportError } from '../../../core/errors.js'
import { Socks5 } from './socks5.js'

const credentials = { user: 'me', password: 'pw' }

interface Case {
  readonly host?: string
  readonly given?: { readonly user: string; readonly password: string }
  /** The bytes of the proxy, in hex. */
  readonly says: string
}

/** The bytes that are sent to a proxy with this answer, in every cut, and the rest; or the error. */
function speaks({ host = 'a.example', given, says }: Case, expected: string | RegExp, rest = ''): void {
  inEveryCut(fromHex(says), (feed) => {
    const sent: string[] = []
    const left: string[] = []
    const run = (): boolean => {
      const dialogue = new Socks5({ host, port: 8443 }, given, (bytes) => sent.push(toHex(bytes)))
      feed((piece) => left.push(toHex(piece.subarray(dialogue.receive(piece, 0, piece.length)))))
      return dialogue.isDone
    }
    if (typeof expected !== 'string') {
      assert.throws(run, (error) => error instanceof TransportError && expected.test(error.message), says)
      return
    }
    assert.equal(run(), true)
    assert.equal(sent.join(' '), expected)
    assert.equal(left.join(''), rest)
  })
}

const name = '03 09 612e6578616d706c65'.replaceAll(' ', '')

test('asks for a name, which the proxy looks up, an IPv4 or an IPv6 address, RFC 1928 §4', () => {
  const says = '0500 05000001 7f000001 0050'
  speaks({ says }, `050100 050100${name}20fb`)
  speaks({ host: '127.0.0.1', says }, '050100 050100017f00000120fb')
  for (const [host, bytes] of [
    ['::1', '00000000000000000000000000000001'],
    ['2001:db8::8:800:200c:417a', '20010db80000000000080800200c417a'],
    ['::ffff:1.2.3.4', '00000000000000000000ffff01020304'],
    ['fe80::', 'fe800000000000000000000000000000'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
  ] as const) {
    speaks({ host, says }, `050100 05010004${bytes}20fb`)
  }
})

test('reads the answer to its end, whatever the type of its address, and leaves what follows', () => {
  for (const address of ['01 7f000001 0050', `04 ${'00'.repeat(16)} 0050`, '03 02 6162 0050', '03 00 0050']) {
    speaks({ says: `0500 050000 ${address} 48545450` }, `050100 050100${name}20fb`, '48545450')
  }
})

test('logs in with user and password where the proxy asks for it, RFC 1929', () => {
  const says = '05000001 7f000001 0050'
  speaks({ given: credentials, says: `0502 0100 ${says}` }, `05020002 01026d65027077 050100${name}20fb`)
  speaks({ given: credentials, says: `0500 ${says}` }, `05020002 050100${name}20fb`)
})

test('says in words why the proxy refused', () => {
  speaks({ says: '05ff' }, /asks for a user and a password/)
  speaks({ given: credentials, says: '05ff' }, /none of the ways to log in/)
  speaks({ says: '0502' }, /none of the ways to log in/)
  speaks({ says: '0501' }, /none of the ways to log in/)
  speaks({ given: credentials, says: '0502 0101' }, /does not take the user and password given/)
  for (const [reply, words] of [
    [1, /it failed/],
    [2, /rules do not allow/],
    [3, /no way to the network/],
    [4, /no way to the host/],
    [5, /target refused the connection/],
    [6, /did not answer it in time/],
    [7, /does not take the command/],
    [8, /does not take that type of address/],
    [9, /it refused/],
    [255, /it refused/],
  ] as const) {
    const byte = reply.toString(16).padStart(2, '0')
    speaks({ says: `0500 05${byte}0001 00000000 0000` }, new RegExp(`${words.source}.*\\(SOCKS5 reply ${reply}\\)`))
  }
})

test('refuses what is no SOCKS5', () => {
  for (const says of ['0400', '4854', '0500 04000001', '0500 05000002', '0500 05000000']) {
    speaks({ says }, /its answer is not SOCKS5/)
  }
})

test('refuses names, users and passwords that SOCKS5 can not carry', () => {
  const long = 'a'.repeat(256)
  speaks({ host: long, says: '0500' }, /1 to 255 bytes/)
  for (const given of [
    { user: long, password: 'a' },
    { user: 'a', password: long },
    { user: '', password: 'a' },
  ]) {
    speaks({ given, says: '0502' }, /1 to 255 bytes/)
  }
})

test('throws only TransportError whatever comes', () => {
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 3, 4, 5))
  const property = fc.property(fc.array(byte, { maxLength: 40 }), fc.boolean(), (bytes, hasCredentials) => {
    const dialogue = new Socks5({ host: 'a', port: 1 }, hasCredentials ? credentials : undefined, () => {})
    try {
      dialogue.receive(Uint8Array.from(bytes), 0, bytes.length)
    } catch (error) {
      assert.ok(error instanceof TransportError, String(error))
    }
  })
  fc.assert(property, { numRuns: 1000 })
})
