/**
 * The contracts of transports and HTTP hosts on Bun's own sockets: `bun test ./packages/testing/dist/contracts/on-bun.js`,
 * which `npm run test:runtimes -- bun` runs.
 */

import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { clientPorts, httpHost } from '../../../twoway/dist/entries/sockets.js'
import type { TlsClientOptions } from '../../../twoway/dist/ports/connector.js'
import type { HttpListener, ListenOptions } from '../../../twoway/dist/ports/http-host.js'
import type { Transport } from '../../../twoway/dist/ports/transport.js'
import { BunTransport } from '../../../twoway/dist/runtimes/bun/bun-transport.js'
import { RecordingHandler } from '../harnesses/recording-handler.js'
import { RecordingSink } from '../harnesses/recording-sink.js'
import { selfSignedCertificate } from '../peers/certificate.js'
import { httpHostContract } from './http-host.contract.js'
import { type ConnectedPair, transportContract } from './transport.contract.js'

const { connector } = clientPorts
const { cert, key } = await selfSignedCertificate()
const request = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
const limits = {
  handshakeTimeoutMs: 20_000,
  maxHeadBytes: 2048,
  maxHeaderFields: 10,
  maxRequests: 10,
  requestTimeoutMs: 20_000,
}
let count = 0

interface Pair {
  readonly accepted: Transport
  readonly connected: Transport
  readonly listener: HttpListener
}

/** Both ends of a connection. The accepted one has received a handshake and answered nothing. */
async function pair(options: Partial<ListenOptions>, tls?: TlsClientOptions): Promise<Pair> {
  const handler = new RecordingHandler()
  const listener = await httpHost.listen({ port: 0, host: '127.0.0.1', tls: undefined, ...limits, ...options }, handler)
  const { port, socketPath } = listener
  const connected = connector.connect({ host: '127.0.0.1', port, socketPath, tls })
  connected.write(request)
  await handler.untilUpgrade()
  return { accepted: handler.upgrades[0]!.transport, connected, listener }
}

const subjects = [
  ['TCP', {}, undefined],
  ['TLS', { tls: { cert, key } }, { ca: cert }],
  ['a Unix socket', () => ({ socketPath: join(tmpdir(), `twoway-bun-${process.pid}-${count++}.sock`) }), undefined],
] as const

for (const [name, options, tls] of subjects) {
  const open = (): Promise<Pair> => pair(typeof options === 'function' ? options() : options, tls)

  transportContract(`Bun, ${name}, accepted`, async (): Promise<ConnectedPair> => {
    const { accepted, connected, listener } = await open()
    assert.ok(accepted instanceof BunTransport)
    return { near: accepted, far: connected, dispose: () => void listener.close() }
  })

  transportContract(`Bun, ${name}, connected`, async (): Promise<ConnectedPair> => {
    const { accepted, connected, listener } = await open()
    assert.equal(connected instanceof BunTransport, tls === undefined)
    return { near: connected, far: accepted, dispose: () => void listener.close() }
  })

  test(`Bun, ${name}: destroys with a reset if asked to, and with an end if not`, async () => {
    for (const reset of [true, false]) {
      const { accepted, connected, listener } = await open()
      const sink = new RecordingSink()
      connected.start(sink)
      accepted.start(new RecordingSink())
      accepted.write(Buffer.from('x'))
      await sink.untilText('x')
      accepted.destroy(reset)
      await sink.until(() => sink.hasEnded)
      const { code } = (sink.error?.cause ?? {}) as { code?: string }
      assert.equal(code, reset && name !== 'a Unix socket' ? 'ECONNRESET' : undefined)
      connected.destroy()
      await listener.close()
    }
  })
}

httpHostContract('Bun, http', async () => ({ host: httpHost, connector }))
httpHostContract('Bun, https', async () => ({
  host: httpHost,
  connector,
  serverTls: { cert, key },
  clientTls: { ca: cert },
}))
