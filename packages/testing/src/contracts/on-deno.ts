/**
 * The contracts of transports and HTTP hosts on Deno's own TLS, which `npm run test:runtimes -- deno` runs by `deno test`.
 * The environment has the files of a certificate, which Deno trusts, and its key: DENO_CERT and TEST_KEY.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { test } from 'node:test'
import { clientPorts } from '../../../twoway/dist/entries/sockets/connector.js'
import { httpHost } from '../../../twoway/dist/entries/sockets/listener.js'
import type { TlsClientOptions } from '../../../twoway/dist/ports/connector.js'
import type { HttpListener } from '../../../twoway/dist/ports/http-host.js'
import type { Transport } from '../../../twoway/dist/ports/transport.js'
import { DenoTransport } from '../../../twoway/dist/runtimes/deno/deno-transport.js'
import { RecordingHandler } from '../harnesses/recording-handler.js'
import { RecordingSink } from '../harnesses/recording-sink.js'
import { httpHostContract } from './http-host.contract.js'
import { type ConnectedPair, transportContract } from './transport.contract.js'

const { connector } = clientPorts
const tls = {
  cert: readFileSync(process.env.DENO_CERT!, 'utf8'),
  key: readFileSync(process.env.TEST_KEY!, 'utf8'),
}
const request = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
const limits = {
  handshakeTimeoutMs: 20_000,
  maxHeadBytes: 2048,
  maxHeaderFields: 10,
  maxRequests: 10,
  requestTimeoutMs: 20_000,
}

/** Both ends of a connection. The accepted one has received a handshake and answered nothing. */
async function pair(
  clientTls: TlsClientOptions,
): Promise<{ accepted: Transport; connected: Transport; listener: HttpListener }> {
  const handler = new RecordingHandler()
  const listener = await httpHost.listen({ port: 0, host: '127.0.0.1', tls, ...limits }, handler)
  const connected = connector.connect({ host: '127.0.0.1', port: listener.port, tls: clientTls })
  connected.write(request)
  await handler.untilUpgrade()
  while (connected.pendingBytes > 0) await new Promise((resolve) => setTimeout(resolve, 1))
  return { accepted: handler.upgrades[0]!.transport, connected, listener }
}

const subjects = [
  ['Deno, TLS', {}],
  // The option replaces the authorities that Deno trusts, so node:tls connects.
  ['Deno, TLS with the option ca', { ca: tls.cert }],
] as const

for (const [name, clientTls] of subjects) {
  for (const end of ['accepted', 'connected'] as const) {
    transportContract(`${name}, ${end}`, async (): Promise<ConnectedPair> => {
      const { accepted, connected, listener } = await pair(clientTls)
      assert.ok(accepted instanceof DenoTransport)
      assert.equal(connected instanceof DenoTransport, !('ca' in clientTls))
      const [near, far] = end === 'accepted' ? [accepted, connected] : [connected, accepted]
      return { near, far, dispose: () => void listener.close() }
    })

    test(`${name}, ${end}: a reader that pauses takes at most 8 MB of 200`, async () => {
      const { accepted, connected, listener } = await pair(clientTls)
      const [near, far] = end === 'accepted' ? [accepted, connected] : [connected, accepted]
      const sink = new RecordingSink()
      near.pause()
      near.start(sink)
      far.start(new RecordingSink())
      const chunk = new Uint8Array(1 << 20)
      for (let count = 0; count < 200; count += 1) far.write(chunk)
      for (let before = -1; before !== far.pendingBytes; ) {
        before = far.pendingBytes
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
      const taken = 200 * chunk.length - far.pendingBytes
      assert.ok(taken < 8_000_000, `${taken} bytes were taken`)
      near.resume()
      await sink.until(() => sink.receivedBytes === 200 * chunk.length)
      near.destroy()
      far.destroy()
      await listener.close()
    })
  }
}

httpHostContract('Deno, https', async () => ({ host: httpHost, connector, serverTls: tls, clientTls: {} }))
