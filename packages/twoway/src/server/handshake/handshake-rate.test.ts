import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { HandshakeRate, networkOf } from './handshake-rate.js'

describe('HandshakeRate', () => {
  it('takes a second of handshakes at once, one below and at the limit, and none above; then as time allows', () => {
    const rate = new HandshakeRate(4)
    const take = (now: number): boolean => rate.take('192.0.2.1', now)
    assert.deepEqual([0, 0, 0, 0, 0].map(take), [true, true, true, true, false])
    assert.deepEqual([249, 250, 251].map(take), [false, true, false])
    assert.equal(rate.take('192.0.2.2', 251), true)
  })

  it('forgets an address that has its whole second again', () => {
    const rate = new HandshakeRate(1)
    for (let count = 0; count < 100; count++) rate.take(`192.0.2.${count}`, count)
    assert.equal(rate.addresses, 100)
    rate.take('198.51.100.1', 1000)
    assert.equal(rate.addresses, 100)
    rate.take('198.51.100.1', 1099)
    assert.equal(rate.addresses, 1)
  })

  it('remembers at most 10,000, those that came last', () => {
    const rate = new HandshakeRate(1)
    const address = (count: number): string => `10.0.${count >> 8}.${count & 255}`
    for (let count = 0; count < 9999; count++) rate.take(address(count), 0)
    assert.equal(rate.addresses, 9999)
    rate.take(address(9999), 0)
    assert.equal(rate.addresses, 10_000)
    rate.take(address(10_000), 0)
    assert.equal(rate.addresses, 10_000)
    assert.equal(rate.take(address(1), 0), false)
    assert.equal(rate.take(address(0), 0), true)
  })
})

describe('networkOf', () => {
  it('is an IPv4 address whole, and the first 64 bits of one of IPv6', () => {
    for (const [address, network] of [
      ['192.0.2.1', '192.0.2.1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
      ['2001:db8:1:2:3::6', '2001:db8:1:2'],
      ['2001:db8::1', '2001:db8:0:0'],
      ['2001:db8:1:2::', '2001:db8:1:2'],
      ['::1', '0:0:0:0'],
      ['::', '0:0:0:0'],
      ['fe80::1%eth0', 'fe80:0:0:0'],
    ] as const) {
      assert.equal(networkOf(address), network)
    }
  })
})

describe('maxHandshakesPerSecond', () => {
  for (const network of networks.filter(({ name }) => name !== 'memory')) {
    it(`answers 429 with Retry-After above it, over ${network.name}`, async () => {
      const clock = new FakeClock()
      const onClock = { ...network, serverPorts: { ...network.serverPorts, clock } }
      await withServer(onClock, { maxHandshakesPerSecond: 2 }, async (server, connect) => {
        const status = (): Promise<string> => connect(handshakeRequest()).head()
        assert.match(await status(), /^HTTP\/1\.1 101 /)
        assert.match(await status(), /^HTTP\/1\.1 101 /)
        assert.match(await status(), /^HTTP\/1\.1 429 [\s\S]*^Retry-After: 1\r$/m)
        clock.advance(500)
        assert.match(await status(), /^HTTP\/1\.1 101 /)
        assert.match(await status(), /^HTTP\/1\.1 429 /)
        for (const socket of server.connections) socket.terminate()
      })
    })
  }
})
