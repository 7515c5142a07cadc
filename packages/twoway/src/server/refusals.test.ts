import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from 'twoway-testing/bytes.js'
import { handshakeRequest, request } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { prometheus } from '../entries/metrics.js'
import type { ServeOptions } from './handler-types.js'

const network = networks.find(({ name }) => name === 'TCP')!

const handshake = Buffer.from(handshakeRequest()).toString()
const plain = request(['Host: localhost'])

interface Row {
  readonly options?: ServeOptions<undefined>
  readonly sent: string
  readonly status: number
  readonly limit?: string
}

/** A request for each reason. */
const rows: Readonly<Record<string, Row>> = {
  hostForbidden: { sent: handshake.replace('Host: localhost', 'Host: evil.example'), status: 421 },
  originForbidden: { sent: handshake.replace('\r\n\r\n', '\r\nOrigin: https://evil.example\r\n\r\n'), status: 403 },
  requestMalformed: { sent: 'GET\r\n\r\n', status: 400 },
  requestHeadTooLong: {
    options: { maxHeadBytes: 1024 },
    sent: handshake.replace('\r\n\r\n', `\r\nX: ${'x'.repeat(1024)}\r\n\r\n`),
    status: 431,
  },
  keyInvalid: { sent: handshake.replace('dGhl', ''), status: 400 },
  versionUnsupported: { sent: handshake.replace('Version: 13', 'Version: 8'), status: 426 },
  upgradeMissing: { sent: plain, status: 426 },
  forwardedMalformed: {
    options: { trustedProxies: 'loopback' },
    sent: handshake.replace('\r\n\r\n', '\r\nForwarded: for="\r\n\r\n'),
    status: 400,
  },
  pathUnknown: { options: { path: '/chat' }, sent: handshake, status: 404 },
  upgrade: { options: { upgrade: () => ({ status: 401 }) }, sent: handshake, status: 401 },
  protocolNotOffered: { options: { upgrade: () => ({ protocol: 'chat' }) }, sent: handshake, status: 400 },
  handlerFailed: {
    options: {
      upgrade() {
        throw new Error('on purpose')
      },
    },
    sent: handshake,
    status: 500,
  },
  maxHandshakesPerSecond: {
    options: { maxHandshakesPerSecond: 1 },
    sent: handshake,
    status: 429,
    limit: 'maxHandshakesPerSecond',
  },
  maxConnections: { options: { maxConnections: 1 }, sent: handshake, status: 503, limit: 'maxConnections' },
  handshakeTimeoutMs: {
    options: { handshakeTimeoutMs: 100, upgrade: () => new Promise(() => {}) },
    sent: handshake,
    status: 503,
    limit: 'handshakeTimeoutMs',
  },
  requestTimeoutMs: {
    options: { requestTimeoutMs: 100, request: () => new Promise(() => {}) },
    sent: plain,
    status: 503,
    limit: 'requestTimeoutMs',
  },
}

/** The reasons of which the limit of one lets the first client in. */
const secondOnly = new Set(['maxHandshakesPerSecond', 'maxConnections'])

for (const [reason, { options = {}, sent, status, limit }] of Object.entries(rows)) {
  test(`counts a ${status} for the reason ${reason}`, async () => {
    await withServer(network, { error: () => {}, ...options }, async (server, connect) => {
      if (secondOnly.has(reason)) assert.match(await connect(utf8(handshake)).head(), /^HTTP\/1\.1 101 /)
      const head = await connect(utf8(sent)).head()
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `))
      const metrics = server.metrics()
      assert.deepEqual(metrics.refusals, { [reason]: 1 })
      assert.deepEqual(metrics.limits, limit === undefined ? {} : { [limit]: 1 })
      assert.match(prometheus(metrics), new RegExp(`^twoway_refusals_total\\{reason="${reason}"\\} 1$`, 'm'))
    })
  })
}

test('counts a 408 for the reason handshakeTimeoutMs', async () => {
  await withServer(network, { handshakeTimeoutMs: 100 }, async (server, connect) => {
    assert.match(await connect(utf8('GET / HT')).head(), /^HTTP\/1\.1 408 /)
    assert.deepEqual(server.metrics().refusals, { handshakeTimeoutMs: 1 })
    assert.deepEqual(server.metrics().limits, { handshakeTimeoutMs: 1 })
  })
})

test('a 404 says which path arrived, without the query, as a proxy may have changed it', async () => {
  await withServer(network, { path: '/chat' }, async (_, connect) => {
    const peer = connect(handshakeRequest('/chat/room%22?token=secret'))
    await peer.inputEnded
    assert.match(peer.text, /\r\n\r\nno WebSocket endpoint at this path: \/chat\/room%22\n$/)
  })
})
