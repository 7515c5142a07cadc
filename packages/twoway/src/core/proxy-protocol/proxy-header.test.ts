import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { concat, utf8 } from 'twoway-testing/bytes.js'
import { mostBytesV2, type ProxyHeader, ProxyHeaderParser } from './proxy-header.js'

const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)

/** A header of version 2, with the length of its body unless another is given. */
function v2(command: number, family: number, body: readonly number[], length = body.length): Uint8Array {
  return concat(signature, Uint8Array.of(command, family, length >> 8, length & 255, ...body))
}

const v4Body = [192, 0, 2, 1, 198, 51, 100, 7, 0x30, 0x39, 0x01, 0xbb]
const v6Source = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
const v6Body = [...v6Source, ...v6Source.slice(0, 15), 2, 0x30, 0x39, 0x01, 0xbb]
const unixBody = Array.from({ length: 216 }, (_, at) => at & 255)
/** A type-length-value of ALPN, and one that fills a header up to `bytes` of body. */
const alpn = [1, 0, 2, 0x68, 0x32]
const padded = (body: readonly number[], bytes: number) => [...body, ...Array(bytes - body.length).fill(4)]

const v4 = { address: '192.0.2.1', port: 12345 }
const v6 = { address: '2001:db8::1', port: 12345 }

const longestV1 = `PROXY UNKNOWN ${'f'.repeat(107 - 'PROXY UNKNOWN \r\n'.length)}\r\n`
const fullV6 = 'ffff:f...f:ffff'.replace('f...f', Array(6).fill('ffff').join(':'))

const valid: Readonly<Record<string, readonly [bytes: Uint8Array, header: ProxyHeader]>> = {
  'TCP4 in version 1': [utf8('PROXY TCP4 192.0.2.1 198.51.100.7 12345 443\r\n'), v4],
  'TCP6 in version 1': [utf8('PROXY TCP6 2001:DB8:0:0::1 ::1 12345 443\r\n'), v6],
  'the longest TCP6 of version 1': [
    utf8(`PROXY TCP6 ${fullV6} ${fullV6} 65535 65535\r\n`),
    { address: fullV6, port: 65_535 },
  ],
  'IPv4 mapped into IPv6': [utf8('PROXY TCP6 ::ffff:192.0.2.1 ::1 12345 0\r\n'), v4],
  'UNKNOWN alone': [utf8('PROXY UNKNOWN\r\n'), 'unnamed'],
  'UNKNOWN with text to ignore': [utf8('PROXY UNKNOWN ffff::1 \n\r x y z\r\n'), 'unnamed'],
  'UNKNOWN of 107 bytes': [utf8(longestV1), 'unnamed'],
  'TCP over IPv4 in version 2': [v2(0x21, 0x11, v4Body), v4],
  'UDP over IPv4 in version 2': [v2(0x21, 0x12, v4Body), v4],
  'TCP over IPv6 in version 2': [v2(0x21, 0x21, v6Body), v6],
  'a Unix socket in version 2': [v2(0x21, 0x31, unixBody), 'unnamed'],
  'no family in version 2': [v2(0x21, 0x00, []), 'unnamed'],
  'no family with bytes to ignore': [v2(0x21, 0x00, alpn), 'unnamed'],
  'an address without a transport': [v2(0x21, 0x10, v4Body), 'unnamed'],
  LOCAL: [v2(0x20, 0x00, []), 'own'],
  'LOCAL with addresses to ignore': [v2(0x20, 0x11, v4Body), 'own'],
  'LOCAL with a family to ignore': [v2(0x20, 0xff, alpn), 'own'],
  'IPv4 with type-length-values': [v2(0x21, 0x11, [...v4Body, ...alpn]), v4],
  'IPv6 with type-length-values': [v2(0x21, 0x21, [...v6Body, ...alpn]), v6],
  'version 2 in as many bytes as may be': [v2(0x21, 0x11, padded(v4Body, mostBytesV2 - 16)), v4],
}

const malformed = /^has a malformed line as its PROXY header$/
const lines: readonly string[] = [
  '',
  'TCP4',
  'TCP4 192.0.2.1 198.51.100.7 1',
  'TCP4 192.0.2.1 198.51.100.7 1 2 3',
  'TCP4 192.0.2.1 198.51.100.7 1 2 ',
  'TCP4  192.0.2.1 198.51.100.7 1 2',
  'TCP4 192.0.2.1 198.51.100.7 1 65536',
  'TCP4 192.0.2.1 198.51.100.7 01 2',
  'TCP4 192.0.2.1 198.51.100.7 -1 2',
  'TCP4 192.0.2.1 198.51.100.7 +1 2',
  'TCP4 192.0.2.01 198.51.100.7 1 2',
  'TCP4 192.0.2 198.51.100.7 1 2',
  'TCP4 192.0.2.1 ::1 1 2',
  'TCP4 ::1 192.0.2.1 1 2',
  'TCP4 ::ffff:192.0.2.1 ::1 1 2',
  'TCP6 192.0.2.1 198.51.100.7 1 2',
  'TCP6 fe80::1%eth0 ::1 1 2',
  'TCP5 ::1 ::1 1 2',
  'tcp4 192.0.2.1 198.51.100.7 1 2',
  'TCP4\t192.0.2.1 198.51.100.7 1 2',
  'UNKNOWNS',
  'TCP4 192.0.2.1 198.51.100.7 1 2\n',
  'TCP4 192.0.2.1 198.51.100.7 1 2\r',
]
const invalid: Readonly<Record<string, readonly [bytes: Uint8Array, fault: RegExp]>> = {
  ...Object.fromEntries(
    lines.map((line) => [`the line ${JSON.stringify(line)}`, [utf8(`PROXY ${line}\r\n`), malformed]] as const),
  ),
  'an HTTP request': [utf8('GET / HTTP/1.1\r\n\r\n'), /^has no PROXY header$/],
  'a request that begins as the header does': [utf8('PROPFIND / HTTP/1.1\r\n'), /^has no PROXY header$/],
  'lower case': [utf8('proxy UNKNOWN\r\n'), /^has no PROXY header$/],
  'a ClientHello': [Uint8Array.of(0x16, 3, 1, 2, 0), /^has no PROXY header$/],
  'most of a signature': [concat(signature.subarray(0, 11), utf8('x')), /^has no PROXY header$/],
  'version 1 in 108 bytes': [utf8(longestV1.replace('f', 'ff')), /version 1 with more than 107 bytes$/],
  'version 1 without an end': [utf8(`PROXY ${'x'.repeat(200)}`), /version 1 with more than 107 bytes$/],
  'version 1 in the signature of version 2': [v2(0x11, 0x11, v4Body), /unknown version or command$/],
  'version 3': [v2(0x31, 0x11, v4Body), /unknown version or command$/],
  'another command': [v2(0x22, 0x11, v4Body), /unknown version or command$/],
  'another family': [v2(0x21, 0x41, unixBody), /unknown address family$/],
  'another transport': [v2(0x21, 0x13, v4Body), /unknown address family$/],
  'too few bytes for IPv4': [v2(0x21, 0x11, v4Body.slice(1)), /incomplete addresses$/],
  'too few bytes for IPv6': [v2(0x21, 0x21, v6Body.slice(1)), /incomplete addresses$/],
  'too few bytes for a Unix socket': [v2(0x21, 0x31, unixBody.slice(1)), /incomplete addresses$/],
  'version 2 in too many bytes': [v2(0x21, 0x11, v4Body, mostBytesV2 - 15), /more than 4096 bytes$/],
  'LOCAL in too many bytes': [v2(0x20, 0, [], 65_535), /more than 4096 bytes$/],
}

/** Feeds the parser the parts between cuts, and returns the result with the bytes that were not used. */
function parse(bytes: Uint8Array, cuts: readonly number[]) {
  const parser = new ProxyHeaderParser()
  const rest: number[] = []
  let start = 0
  for (const end of [...cuts, bytes.length]) {
    // The range is in the middle of a buffer whose other bytes must not count.
    const buffer = new Uint8Array(end - start + 2).fill(0x0a)
    buffer.set(bytes.subarray(start, end), 1)
    const used = parser.receive(buffer, 1, 1 + end - start)
    rest.push(...buffer.subarray(1 + used, 1 + end - start))
    if (parser.fault !== undefined) break
    start = end
  }
  return { header: parser.header, fault: parser.fault, rest }
}

function everyCut(bytes: Uint8Array): readonly number[] {
  return Array.from(bytes.keys())
}

describe('the parser of PROXY headers', () => {
  for (const [name, [bytes, header]] of Object.entries(valid)) {
    it(`reads ${name}, wherever it is cut, and leaves the bytes behind it`, () => {
      const behind = utf8('GET / HTTP/1.1\r\n')
      const all = concat(bytes, behind)
      const expected = { header, fault: undefined, rest: [...behind] }
      assert.deepEqual(parse(all, []), expected)
      assert.deepEqual(parse(all, everyCut(all)), expected)
      for (const cut of everyCut(all)) assert.deepEqual(parse(all, [cut]), expected)
      fc.assert(
        fc.property(fc.array(fc.nat(all.length)), (cuts) => {
          assert.deepEqual(
            parse(
              all,
              cuts.sort((one, other) => one - other),
            ),
            expected,
          )
        }),
      )
    })

    it(`waits for the rest of ${name}`, () => {
      for (const length of everyCut(bytes)) {
        assert.deepEqual(parse(bytes.subarray(0, length), []), { header: undefined, fault: undefined, rest: [] })
      }
    })
  }

  for (const [name, [bytes, fault]] of Object.entries(invalid)) {
    it(`finds the fault of ${name}, wherever it is cut`, () => {
      for (const cuts of [[], everyCut(bytes), ...everyCut(bytes).map((cut) => [cut])]) {
        const found = parse(bytes, cuts)
        assert.equal(found.header, undefined)
        assert.match(found.fault ?? '', fault)
      }
    })
  }

  it('takes any bytes, and decides the same however they are cut', () => {
    const start = fc.constantFrom(signature, utf8('PROXY TCP4 '), utf8('PROXY UNKNOWN'), new Uint8Array(0))
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), (first, more) => {
        const bytes = concat(first, more)
        const { header, fault } = parse(bytes, [])
        const cut = parse(bytes, everyCut(bytes))
        assert.deepEqual([cut.header, cut.fault], [header, fault])
        assert.ok(header === undefined || fault === undefined)
      }),
      { numRuns: 2000 },
    )
  })
})
