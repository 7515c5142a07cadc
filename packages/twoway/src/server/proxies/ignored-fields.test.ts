import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { utf8 } from 'twoway-testing/bytes.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { IgnoredFields } from './ignored-fields.js'
import { TrustedProxies, type TrustedProxiesOption } from './trusted-proxies.js'

/** The value that the report names, or undefined if there is no report. */
function advised(
  address: string | undefined,
  field: string,
  trusted: TrustedProxiesOption = [],
  announced?: 'named',
): string | undefined {
  const peer = { address, port: 1, encrypted: false, announced }
  const error = new IgnoredFields(new TrustedProxies(trusted)).errorFor(
    { method: 'GET', target: '/', version: '1.1', fields: ['Host', 'a', field, 'b'] },
    peer,
  )
  if (error === undefined) return undefined
  assert.equal(error.code, 'forwardingIgnored')
  assert.ok(error.message.includes(`sent ${field}, which was ignored`), error.message)
  return /set trustedProxies: '([^']*)'/.exec(error.message)![1]
}

describe('IgnoredFields', () => {
  it('names the value of trustedProxies for a proxy of this machine or of a private network', () => {
    assert.equal(advised('127.0.0.1', 'X-Forwarded-For'), 'loopback')
    assert.equal(advised('::ffff:127.0.0.1', 'x-forwarded-proto'), 'loopback')
    assert.equal(advised('::1', 'Forwarded', '10.0.0.1'), 'loopback')
    assert.equal(advised('10.0.0.7', 'X-Forwarded-Host'), '10.0.0.7')
    assert.equal(advised(undefined, 'X-Forwarded-Port'), 'unix')
  })

  it('says nothing of clients: those of other networks, and those that a PROXY header names', () => {
    assert.equal(advised('198.51.100.7', 'X-Forwarded-For'), undefined)
    assert.equal(advised('10.0.0.7', 'X-Forwarded-For', '10.0.0.1', 'named'), undefined)
  })

  it('says nothing of a trusted proxy, of other fields, and where trustedProxies is 0', () => {
    assert.equal(advised('127.0.0.1', 'X-Forwarded-For', 'loopback'), undefined)
    assert.equal(advised('127.0.0.1', 'X-Forwarded-User'), undefined)
    assert.equal(advised('127.0.0.1', 'X-Forwarded-For', 0), undefined)
  })
})

describe('a proxy that trustedProxies does not name', () => {
  const tcp = networks.find(({ name }) => name === 'TCP')!
  const forwarded = (...lines: readonly string[]): Uint8Array => handshakeRequest('/', ...lines)

  it('is reported once, and counted', async () => {
    const errors: string[] = []
    await withServer(tcp, { error: (_, { message }) => errors.push(message) }, async (server, connect) => {
      for (const _ of [1, 2]) {
        assert.match(await connect(forwarded('X-Forwarded-For: 192.0.2.7')).head(), /^HTTP\/1\.1 101 /)
      }
      assert.equal(errors.length, 1)
      assert.match(errors[0]!, /^the peer 127\.0\.0\.1 sent X-Forwarded-For, .* set trustedProxies: 'loopback' /)
      assert.deepEqual(server.metrics().errors, { forwardingIgnored: 1 })
    })
  })

  it('is reported for a plain request too', async () => {
    const errors: string[] = []
    const request = utf8('GET / HTTP/1.1\r\nHost: localhost\r\nForwarded: for=192.0.2.7\r\n\r\n')
    const options = {
      error: (_: unknown, { message }: Error) => errors.push(message),
      request: () => ({ status: 200 }),
    }
    await withServer(tcp, options, async (_, connect) => {
      assert.match(await connect(request).head(), /^HTTP\/1\.1 200 /)
      assert.equal(errors.length, 1)
    })
  })

  it('has its 403 say what to set', async () => {
    await withServer(tcp, { error: () => {} }, async (_, connect) => {
      const origin = 'Origin: https://chat.example.com'
      const behind = connect(forwarded(origin, 'X-Forwarded-Host: chat.example.com'))
      assert.match(await behind.head(), /^HTTP\/1\.1 403 /)
      await behind.inputEnded
      assert.match(
        behind.text,
        /the option origin to accept it\. .*forward Host with its port.*the option trustedProxies/,
      )
      const direct = connect(forwarded(origin))
      await direct.inputEnded
      assert.doesNotMatch(direct.text, /trustedProxies/)
    })
  })
})
