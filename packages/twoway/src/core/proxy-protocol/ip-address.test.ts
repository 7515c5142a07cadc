import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress, parseAddress } from './ip-address.js'

const canonical: Readonly<Record<string, string>> = {
  '192.0.2.1': '192.0.2.1',
  '::ffff:192.0.2.1': '192.0.2.1',
  '::FFFF:c000:201': '192.0.2.1',
  '2001:DB8::1': '2001:db8::1',
  '2001:0db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
  '::': '::',
  '1::': '1::',
  '1:0:2:3:4:5:6:7': '1:0:2:3:4:5:6:7',
  '64:ff9b::192.0.2.33': '64:ff9b::c000:221',
}

for (const [text, written] of Object.entries(canonical)) {
  test(`reads ${text} and writes ${written}, RFC 5952`, () => {
    assert.equal(formatAddress(parseAddress(text)!), written)
  })
}

test('takes no text that is no address', () => {
  for (const text of [
    ...[
      '',
      '1.2.3',
      '1.2.3.4.5',
      '01.2.3.4',
      '256.1.1.1',
      '1.2.3.-4',
      ' 1.2.3.4',
      '1.2.3.4 ',
      '0x7f.0.0.1',
      '1e1.0.0.1',
    ],
    ...[':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::', '12345::', 'g::', '[::1]'],
    ...['1.2.3.4::', '::1.2.3', '::1.2.3.4:5', 'fe80::1%eth0', '::1/64', `::${'0'.repeat(100)}1`, '127.0.0.1\n'],
  ]) {
    assert.equal(parseAddress(text), undefined, JSON.stringify(text))
  }
})

test('takes the addresses that Node takes, and writes them so that they stay the same', () => {
  const part = fc.constantFrom('0', '1', 'ffff', '::', ':', '.', '192.0.2.1', '255', '1234', 'a')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.ipV4(),
        fc.ipV6(),
        fc.array(part).map((parts) => parts.join('')),
      ),
      (text) => {
        const address = parseAddress(text)
        assert.equal(address !== undefined, isIP(text) !== 0, text)
        if (address !== undefined) assert.deepEqual(parseAddress(formatAddress(address)), address)
      },
    ),
    { numRuns: 2000 },
  )
})
