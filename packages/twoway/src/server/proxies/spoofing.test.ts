import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from 'twoway-testing/bytes.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { requestPeer } from './request-peer.js'
import { TrustedProxies } from './trusted-proxies.js'

const nodes = [
  '127.0.0.1',
  '10.0.0.1',
  '[::1]:80',
  '::ffff:192.0.2.1',
  'unknown',
  '_x',
  '"',
  'a, 192.0.2.1',
  '',
  '9'.repeat(999),
]
const forms: readonly ((node: string) => readonly string[])[] = [
  (node) => [`X-Forwarded-For: ${node}`],
  (node) => [`X-Forwarded-For: 8.8.8.8, ${node}`, `X-Forwarded-For: ${node}`],
  (node) => [`Forwarded: for=${node}`],
  (node) => [`Forwarded: for="${node}";proto=https;host=localhost`],
  (node) => [`Forwarded: for=8.8.8.8, for=${node}`, `X-Forwarded-For: ${node}`],
]
const further: readonly (readonly string[])[] = [
  [],
  ['X-Forwarded-Proto: https', 'X-Forwarded-Port: 443'],
  ['X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: wss'],
  ['X-Forwarded-Host: localhost', 'X-Forwarded-Proto: http'],
]
/** 200 sets of fields. */
const spoofs = nodes.flatMap((node) => forms.flatMap((form) => further.map((more) => [...form(node), ...more])))

test('fields of a peer that is not trusted change nothing that a server sees', async () => {
  assert.equal(spoofs.length, 200)
  const proxies = new TrustedProxies(['192.0.2.0/24', 'unix'])
  const peer = { address: '198.51.100.7', port: 1, encrypted: false }
  for (const lines of spoofs) {
    const fields = lines.flatMap((line) => line.split(': '))
    assert.deepEqual(requestPeer({ fields }, peer, proxies), {
      address: peer.address,
      encrypted: false,
      countedAddress: peer.address,
    })
  }
})

test('fields of a peer that is not trusted change no decision of a server, over TCP', {
  timeout: 120_000,
}, async () => {
  const seen: (readonly [string | undefined, string])[] = []
  const errors: string[] = []
  const options = {
    error: (_: unknown, { message }: Error) => errors.push(message),
    trustedProxies: ['192.0.2.0/24'],
    upgrade: ({ remoteAddress, url }: { readonly remoteAddress: string | undefined; readonly url: string }) => {
      seen.push([remoteAddress, url])
      return {}
    },
  }
  const request = new TextDecoder().decode(handshakeRequest())
  await withServer(networks.find(({ name }) => name === 'TCP')!, options, async (_, connect) => {
    const decisions = [
      [request, 101],
      [request.replace('\r\n\r\n', '\r\nOrigin: https://evil.example\r\n\r\n'), 403],
      [request.replace('Host: localhost', 'Host: evil.example'), 421],
    ] as const
    for (const [index, lines] of spoofs.entries()) {
      const [text, status] = decisions[index % 3]!
      const peer = connect(utf8(text.replace('\r\n\r\n', `\r\n${lines.join('\r\n')}\r\n\r\n`)))
      assert.match(await peer.head(), new RegExp(`^HTTP/1.1 ${status} `), lines.join())
      peer.destroy()
    }
  })
  assert.equal(seen.length, 67)
  // They are reported once, as this machine may have a proxy.
  assert.match(
    errors.join(),
    /^the peer 127\.0\.0\.1 sent [\w-]+, which was ignored[^:]*: set[^:]*: 'loopback'[^:]*: 0 /,
  )
  for (const each of seen) assert.deepEqual(each, ['127.0.0.1', 'ws://localhost/'])
})
