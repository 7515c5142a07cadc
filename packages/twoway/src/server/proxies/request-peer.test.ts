import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HandshakeError } from '../../core/errors.js'
import { requestPeer } from './request-peer.js'
import { TrustedProxies, type TrustedProxiesOption } from './trusted-proxies.js'

interface Row {
  readonly trusted?: TrustedProxiesOption
  readonly peer?: string | undefined
  readonly fields: readonly string[]
  readonly address?: string | undefined
  readonly counted?: string
  readonly encrypted?: boolean
  readonly host?: string
}

const proxy = '10.0.0.1'

function seen({ trusted = ['private'], peer = proxy, fields }: Row) {
  const direct = { address: peer === 'none' ? undefined : peer, port: 1, encrypted: false }
  return requestPeer({ fields: ['Host', 'app.test', ...fields] }, direct, new TrustedProxies(trusted))
}

const xff = (...values: readonly string[]) => values.flatMap((value) => ['X-Forwarded-For', value])
const forwarded = (...values: readonly string[]) => values.flatMap((value) => ['Forwarded', value])

const addresses: Readonly<Record<string, Row>> = {
  'no field is the peer': { fields: [], address: proxy },
  'one address': { fields: xff('192.0.2.1'), address: '192.0.2.1' },
  'the nearest untrusted of several': { fields: xff('8.8.8.8, 192.0.2.1'), address: '192.0.2.1' },
  'several lines, in order': { fields: xff('8.8.8.8', '192.0.2.1'), address: '192.0.2.1' },
  'trusted ones are walked over': { fields: xff('192.0.2.1, 10.9.9.9, 172.16.0.3'), address: '192.0.2.1' },
  'the leftmost if all are trusted': { fields: xff('10.0.0.9, 10.0.0.8'), address: '10.0.0.9' },
  'empty elements count for nothing': { fields: xff(', ,192.0.2.1,,'), address: '192.0.2.1' },
  'an empty field is the peer': { fields: xff(''), address: proxy },
  'with a port': { fields: xff('192.0.2.1:4711'), address: '192.0.2.1' },
  IPv6: { fields: xff('2001:DB8::1'), address: '2001:db8::1' },
  'IPv6 in brackets': { fields: xff('[2001:db8::1]'), address: '2001:db8::1' },
  'IPv6 in brackets with a port': { fields: xff('[2001:db8::1]:443'), address: '2001:db8::1' },
  'a mapped address is that of IPv4': { fields: xff('::ffff:192.0.2.1'), address: '192.0.2.1' },
  'a mapped peer is trusted as IPv4': { peer: '::ffff:10.0.0.1', fields: xff('192.0.2.1'), address: '192.0.2.1' },
  'a peer with a zone': { peer: 'fe80::1%eth0', fields: xff('192.0.2.1'), address: '192.0.2.1' },
  'a zone in a field is of another machine': { fields: xff('fe80::1%eth0'), address: undefined, counted: proxy },
  unknown: { fields: xff('8.8.8.8, unknown'), address: undefined, counted: proxy },
  'an obfuscated name': { fields: xff('8.8.8.8, _gazonk'), address: undefined, counted: proxy },
  rubbish: { fields: xff('8.8.8.8, <script>'), address: undefined, counted: proxy },
  'a port that is none': { fields: xff('192.0.2.1:x'), address: undefined, counted: proxy },
  'brackets around IPv4': { fields: xff('[192.0.2.1]'), address: undefined, counted: proxy },
  'brackets that stay open': { fields: xff('[2001:db8::1'), address: undefined, counted: proxy },
  'a quoted text is none of this field': { fields: xff('"192.0.2.1"'), address: undefined, counted: proxy },
  'a very long value': { fields: xff('1'.repeat(9000)), address: undefined, counted: proxy },
  'one hop': { trusted: 1, peer: '203.0.113.1', fields: xff('8.8.8.8, 192.0.2.1'), address: '192.0.2.1' },
  'two hops': { trusted: 2, peer: '203.0.113.1', fields: xff('8.8.8.8, 192.0.2.1, 203.0.113.9'), address: '192.0.2.1' },
  'more hops than values': { trusted: 3, peer: '203.0.113.1', fields: xff('192.0.2.1'), address: '192.0.2.1' },
  'no hops': { trusted: 0, fields: xff('192.0.2.1'), address: proxy },
  'a Unix socket that is trusted': { trusted: 'unix', peer: 'none', fields: xff('192.0.2.1'), address: '192.0.2.1' },
  'a Unix socket that is not': { trusted: 'loopback', peer: 'none', fields: xff('192.0.2.1'), address: undefined },
  'a subnet of IPv4': {
    trusted: ['203.0.113.128/25'],
    peer: '203.0.113.200',
    fields: xff('192.0.2.1'),
    address: '192.0.2.1',
  },
  'beside that subnet': {
    trusted: ['203.0.113.128/25'],
    peer: '203.0.113.100',
    fields: xff('192.0.2.1'),
    address: '203.0.113.100',
  },
  'a subnet of IPv6': {
    trusted: ['2001:db8:8000::/33'],
    peer: '2001:db8:ffff::1',
    fields: xff('192.0.2.1'),
    address: '192.0.2.1',
  },
  'beside that subnet of IPv6': {
    trusted: ['2001:db8:8000::/33'],
    peer: '2001:db8:7fff::1',
    fields: xff('192.0.2.1'),
    address: '2001:db8:7fff::1',
  },
  'all of IPv4 is not IPv6': {
    trusted: ['0.0.0.0/0'],
    peer: '2001:db8::1',
    fields: xff('192.0.2.1'),
    address: '2001:db8::1',
  },
  Forwarded: { fields: forwarded('for=192.0.2.1;proto=http'), address: '192.0.2.1' },
  'Forwarded with several elements': {
    fields: forwarded('for=8.8.8.8, for=192.0.2.1;by=10.0.0.1'),
    address: '192.0.2.1',
  },
  'Forwarded on several lines': {
    fields: forwarded('for=8.8.8.8', 'For=192.0.2.1, for=10.0.0.2'),
    address: '192.0.2.1',
  },
  'Forwarded with a quoted IPv6 and port': {
    fields: forwarded('for="[2001:db8:cafe::17]:4711"'),
    address: '2001:db8:cafe::17',
  },
  'Forwarded with escapes': { fields: forwarded(String.raw`for="19\2.0.2.1"`), address: '192.0.2.1' },
  'Forwarded with an obfuscated port': { fields: forwarded('for="192.0.2.1:_x"'), address: '192.0.2.1' },
  'Forwarded with a comma in quotes': {
    fields: forwarded('for=8.8.8.8;ext="a, for=9.9.9.9", for=192.0.2.1'),
    address: '192.0.2.1',
  },
  'Forwarded with unknown': { fields: forwarded('for=8.8.8.8, for=unknown'), address: undefined, counted: proxy },
  'Forwarded with an obfuscated name': {
    fields: forwarded('for=8.8.8.8, for=_hidden'),
    address: undefined,
    counted: proxy,
  },
  'Forwarded without a for is the peer': {
    fields: forwarded('for=8.8.8.8, proto=https'),
    address: proxy,
    encrypted: true,
  },
  'both kinds that agree': { fields: [...forwarded('for=192.0.2.1'), ...xff('192.0.2.1')], address: '192.0.2.1' },
}

const requests: Readonly<Record<string, Row>> = {
  'the scheme': { fields: ['X-Forwarded-Proto', 'https'], address: proxy, encrypted: true },
  'a scheme of a WebSocket': { fields: ['X-Forwarded-Proto', 'WSS'], address: proxy, encrypted: true },
  'no scheme that is none': { fields: ['X-Forwarded-Proto', 'ftp'], address: proxy },
  'the nearest of several schemes': { fields: ['X-Forwarded-Proto', 'https, http'], address: proxy },
  'the scheme of the same element': {
    fields: [...xff('8.8.8.8, 192.0.2.1'), 'X-Forwarded-Proto', 'http, https'],
    address: '192.0.2.1',
    encrypted: true,
  },
  'the host': { fields: ['X-Forwarded-Host', 'chat.example:8443'], address: proxy, host: 'chat.example:8443' },
  'no host that is none': { fields: ['X-Forwarded-Host', 'a/b'], address: proxy },
  'the port': { fields: ['X-Forwarded-Port', '8443'], address: proxy, host: 'app.test:8443' },
  'no port that is the default': {
    fields: ['X-Forwarded-Proto', 'https', 'X-Forwarded-Port', '443'],
    address: proxy,
    encrypted: true,
    host: 'app.test',
  },
  'no port that is none': { fields: ['X-Forwarded-Port', '1/2'], address: proxy, host: 'app.test' },
  'the host and scheme of Forwarded': {
    fields: forwarded('for=192.0.2.1;host="chat.example:81";proto=https'),
    address: '192.0.2.1',
    host: 'chat.example:81',
    encrypted: true,
  },
  'no host of the client': {
    fields: forwarded('for=8.8.8.8;host=evil.example, for=192.0.2.1;host=chat.example'),
    address: '192.0.2.1',
    host: 'chat.example',
  },
}

describe('A trusted proxy decides', () => {
  for (const [name, row] of Object.entries({ ...addresses, ...requests })) {
    it(name, () => {
      const { address, encrypted, host = 'app.test', countedAddress } = seen(row)
      assert.deepEqual(
        { address, encrypted, host, countedAddress },
        {
          address: row.address,
          encrypted: row.encrypted ?? false,
          host: row.host ?? 'app.test',
          countedAddress: row.counted ?? row.address,
        },
      )
    })
  }
})

describe('A trusted proxy that lets through what contradicts or hides its own word', () => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    forwardedMalformed: [
      ...[
        'for="8.8.8.8, for=192.0.2.1',
        'for=',
        'for',
        '=1',
        'for=a b',
        'for=1;for=2',
        'for="a"b',
        'for=[::1]',
        'for=1 2',
      ],
      Array.from({ length: 65 }, () => 'for=8.8.8.8').join(),
    ],
    forwardedConflict: [
      'for=8.8.8.8',
      'for=192.0.2.1;proto=https',
      'for=192.0.2.1;host=evil.example',
      'for=unknown',
      '',
    ],
  }
  for (const [code, values] of Object.entries(cases)) {
    for (const value of values) {
      it(`is answered 400, ${code}: Forwarded: ${value.slice(0, 40)}`, () => {
        assert.throws(
          () => seen({ fields: [...forwarded(value), ...xff('192.0.2.1')] }),
          (error) => error instanceof HandshakeError && error.code === code && error.status === 400,
        )
      })
    }
  }
})
