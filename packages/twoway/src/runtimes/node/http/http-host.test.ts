import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { inspect } from 'node:util'
import type { HttpHostSubject } from 'twoway-testing/contracts/http-host/listening-host.js'
import { httpHostContract } from 'twoway-testing/contracts/http-host.contract.js'
import { selfSignedCertificate } from 'twoway-testing/peers/certificate.js'
import { pkcs12 } from 'twoway-testing/peers/pkcs12.js'
import { UsageError } from '../../../core/errors.js'
import type { HttpHandler, HttpResponse, ListenOptions } from '../../../ports/http-host.js'
import { nodeConnector } from '../connect/connector.js'
import { nodeHttpHost } from './http-host.js'

const plain: HttpHostSubject = { host: nodeHttpHost, connector: nodeConnector }

httpHostContract('http', async () => plain)

httpHostContract('https', async () => {
  const { cert, key } = await selfSignedCertificate()
  return {
    ...plain,
    serverTls: { cert: Buffer.from(cert), key: new Uint8Array(Buffer.from(key)) },
    clientTls: { ca: new Uint8Array(Buffer.from(cert)) },
  }
})

const options: ListenOptions = {
  port: 0,
  host: '127.0.0.1',
  tls: undefined,
  handshakeTimeoutMs: 20_000,
  maxHeadBytes: 2048,
  maxHeaderFields: 10,
  maxRequests: 100,
  requestTimeoutMs: 20_000,
}

const handler: HttpHandler = {
  upgrade: (_, transport) => transport.destroy(),
  request: () => ({ status: 200, fields: [], body: '' }),
  refused: () => {},
  dropped: () => {},
  limited: () => {},
  failed: () => {},
}

test('rejects an address that it may not have with the system error', async () => {
  await assert.rejects(nodeHttpHost.listen({ ...options, host: '192.0.2.1' }, handler), { code: 'EADDRNOTAVAIL' })
})

test('takes an identity in a PKCS #12 file', async () => {
  const listener = await nodeHttpHost.listen({ ...options, tls: { pfx: pkcs12, passphrase: 'right' } }, handler)
  const socket = connectTls({ port: listener.port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  assert.equal(socket.getPeerCertificate().subject.CN, 'client')
  socket.destroy()
  await listener.close()
})

test('says which passphrase is missing, and does not repeat one', async () => {
  const { cert, key } = await selfSignedCertificate()
  const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' } as const
  const encrypted = createPrivateKey(key).export(cipher) as string
  for (const [tls, message] of [
    [{ cert, key: encrypted }, /the private key is encrypted: pass its passphrase as the option passphrase/],
    [{ cert, key: encrypted, passphrase: 'sesame' }, /the private key is encrypted/],
    [{ pfx: pkcs12 }, /the option pfx is encrypted: pass its passphrase/],
    [{ pfx: pkcs12, passphrase: 'sesame' }, /the option pfx is encrypted/],
  ] as const) {
    await assert.rejects(nodeHttpHost.listen({ ...options, tls }, handler), (error) => {
      assert.ok(error instanceof UsageError)
      assert.match(error.message, message)
      return !inspect(error).includes('sesame')
    })
  }
})

test('takes a handshake timeout that never comes', async () => {
  const listener = await nodeHttpHost.listen({ ...options, handshakeTimeoutMs: Number.POSITIVE_INFINITY }, handler)
  await listener.close()
})

test('on close drops connections that are in their TLS handshake', { timeout: 60_000 }, async () => {
  const listener = await nodeHttpHost.listen({ ...options, tls: await selfSignedCertificate() }, handler)
  const socket = connect(listener.port, '127.0.0.1')
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  await new Promise((resolve) => setTimeout(resolve, 20))
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await listener.close()
  await closed
})

test('answers nothing to a TLS handshake that fails, drops it and goes on', { timeout: 60_000 }, async () => {
  const listener = await nodeHttpHost.listen({ ...options, tls: await selfSignedCertificate() }, handler)
  const socket = connect(listener.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
  let text = ''
  socket.on('data', (data) => {
    text += data.toString('latin1')
  })
  socket.on('error', () => {})
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  assert.ok(!text.includes('HTTP/1.1'))
  await listener.close()
  await untilNoTimer()
})

test('leaves no timer behind a refusal that its client has taken', { timeout: 60_000 }, async () => {
  const listener = await nodeHttpHost.listen(options, handler)
  const tooMany = 'X-A: b\r\n'.repeat(20)
  for (const fields of [`Upgrade: websocket\r\nConnection: Upgrade\r\n${tooMany}`, tooMany, 'no colon\r\n']) {
    const socket = connect(listener.port, '127.0.0.1')
    socket.resume().write(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`)
    await once(socket, 'close')
  }
  await listener.close()
  await untilNoTimer()
})

test('leaves no timer behind a client that went away before its answer', { timeout: 60_000 }, async () => {
  let answer: (() => void) | undefined
  const answered = new Promise<HttpResponse>((resolve) => {
    answer = () => resolve({ status: 200, fields: [], body: '' })
  })
  const asked = new Promise<void>((resolve) => {
    handler.request = () => {
      resolve()
      return answered
    }
  })
  const listener = await nodeHttpHost.listen(options, handler)
  const socket = connect(listener.port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await asked
  await listener.close()
  await once(socket, 'close')
  answer?.()
  await untilNoTimer()
})

test('hands over no request of a peer that has reset, whose address is gone', { timeout: 60_000 }, async () => {
  const addresses: unknown[] = []
  const upgrade: HttpHandler['upgrade'] = (_, transport) => {
    addresses.push(transport.peer.address)
    transport.destroy()
  }
  const listener = await nodeHttpHost.listen(options, { ...handler, upgrade })
  const leave = async (): Promise<void> => {
    const socket = connect(listener.port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n')
    socket.resetAndDestroy()
    await once(socket, 'close')
  }
  for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 10 }, leave))
  const stays = connect(listener.port, '127.0.0.1')
  stays.write('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n')
  stays.resume()
  await once(stays, 'close')
  assert.ok(addresses.length > 0)
  assert.deepEqual(new Set(addresses), new Set(['127.0.0.1']))
  await listener.close()
})

/** The timer that an answer waits with has been cleared; it would keep the process alive. */
async function untilNoTimer(): Promise<void> {
  const hasTimer = (): boolean => process.getActiveResourcesInfo().includes('Timeout')
  while (hasTimer()) await new Promise((resolve) => setImmediate(resolve))
}
