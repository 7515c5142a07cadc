import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import { TransportError } from '../../core/errors.js'
import type { ConnectTarget } from '../../ports/connector.js'
import { type BunConnectorParts, bunConnector } from './bun-connector.js'
import { type BunApi, type BunSocket, http11Alpn } from './bun-sockets.js'
import type { BunTransport, TransportSocketEvents } from './bun-transport.js'

// `npm run test:runtimes -- bun` runs the contracts of the ports on Bun's real sockets.

const target: ConnectTarget = { host: 'example.com.', port: 443, tls: {} }

interface Attempt {
  readonly data: BunTransport
  readonly socket: TransportSocketEvents
  readonly tls?: Readonly<Record<string, unknown>>
}

function connectorWith(change: Partial<BunConnectorParts> = {}, refuses = false) {
  const log: unknown[] = []
  const attempts: Attempt[] = []
  const bun = {
    connect(options: unknown) {
      if (refuses) throw new Error('bad options')
      attempts.push(options as Attempt)
      return new Promise(() => {})
    },
  } as unknown as BunApi
  const otherwise = new RecordingTransport()
  const connector = bunConnector({
    bun,
    clock: new FakeClock(),
    hasFailed: () => false,
    otherwise: { connect: () => otherwise },
    explainLoss: (_, wasConnected, cause) => new TransportError(`${wasConnected}: ${cause?.message}`, { cause }),
    connected: () => log.push('connected'),
    hasProxy: ({ proxy }) => proxy !== undefined,
    ...change,
  })
  const socket: BunSocket<BunTransport | undefined> = {
    data: undefined,
    remoteAddress: '192.0.2.1',
    remotePort: 443,
    write(_bytes, _start, length = 0) {
      log.push(`write ${length}`)
      return length
    },
    shutdown: () => log.push('shutdown'),
    terminate: () => log.push('terminate'),
    close: () => log.push('close'),
    pause: () => log.push('pause'),
    resume: () => log.push('resume'),
  }
  return { connector, otherwise, attempts, log, socket }
}

function progressOf(log: unknown[]): Pick<ConnectTarget, 'progress'> {
  return { progress: (stage) => log.push(stage) }
}

test('writes nothing, ends nothing and pauses nothing before the peer is checked', () => {
  const { connector, attempts, log, socket } = connectorWith()
  const transport = connector.connect({ ...target, ...progressOf(log) })
  transport.start(new RecordingSink())
  transport.write(Uint8Array.of(1, 2))
  const { socket: events } = attempts[0]!
  events.open!(socket)
  transport.write(Uint8Array.of(3))
  transport.end()
  transport.pause()
  attempts[0]!.socket.drain(Object.assign(socket, { data: attempts[0]!.data }))
  assert.deepEqual(log, ['connecting to example.com.:443', 'in the TLS handshake with example.com.:443'])
  events.handshake!(socket, true, null)
  assert.deepEqual(log.slice(2), [undefined, 'pause', 'write 3', 'shutdown', 'connected'])
  assert.equal(transport.pendingBytes, 0)
})

test('asks for a name without its last dot, for no IP address, and for HTTP/1.1', () => {
  const { connector, attempts } = connectorWith()
  const names: unknown[] = []
  for (const [host, servername] of [
    ['example.com.', undefined],
    ['192.0.2.1', undefined],
    ['2001:db8::1', undefined],
    ['192.0.2.1', 'name.example.'],
    ['example.com', ''],
  ] as const) {
    connector.connect({ ...target, host, tls: { ca: 'an authority', servername } })
    const { serverName, ...others } = attempts.at(-1)!.tls!
    assert.deepEqual(others, { ca: 'an authority', rejectUnauthorized: true, ALPNProtocols: http11Alpn })
    names.push(serverName)
  }
  assert.deepEqual(names, ['example.com', '', '', 'name.example', ''])
})

test('fails with the error of the TLS handshake, and closes the socket', () => {
  for (const [rejectUnauthorized, code, isRefused] of [
    [true, 'ERR_TLS_CERT_ALTNAME_INVALID', true],
    [false, 'ERR_TLS_CERT_ALTNAME_INVALID', false],
    [false, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', false],
    [false, 'ECONNRESET', true],
    [false, 'EPROTO', true],
    [undefined, 'ERR_TLS_CERT_ALTNAME_INVALID', true],
  ] as const) {
    const { connector, attempts, log, socket } = connectorWith()
    const sink = new RecordingSink()
    connector.connect({ ...target, tls: { rejectUnauthorized } }).start(sink)
    attempts[0]!.socket.open!(socket)
    attempts[0]!.socket.handshake!(socket, false, Object.assign(new Error('refused'), { code }))
    assert.equal(sink.error?.message, isRefused ? 'false: refused' : undefined)
    assert.deepEqual(log, isRefused ? ['terminate'] : ['connected'])
  }
})

test('closes a socket that is destroyed before or within its TLS handshake', () => {
  const { connector, attempts, log, socket } = connectorWith()
  connector.connect(target).destroy()
  attempts[0]!.socket.open!(socket)
  assert.deepEqual(log, ['terminate'])
  const transport = connector.connect(target)
  attempts[1]!.socket.open!(socket)
  transport.destroy()
  assert.deepEqual(log, ['terminate', 'terminate'])
})

test('leaves to node:net and node:tls what Bun.connect does not have, and what it refuses', () => {
  const { connector, otherwise, attempts } = connectorWith()
  const others: ConnectTarget[] = [
    { ...target, tls: { minVersion: 'TLSv1.3' } },
    { ...target, tls: { checkServerIdentity: () => undefined } },
    { ...target, tls: { pfx: 'file' } },
    { ...target, tls: { key: [{ pem: 'key', passphrase: 'word' }] } },
    { ...target, socketPath: '/tmp/socket' },
    { ...target, local: { family: 4 } },
    { ...target, proxy: { url: 'http://proxy' } },
    { ...target, createConnection: () => undefined },
  ]
  for (const other of others) assert.equal(connector.connect(other), otherwise)
  assert.equal(attempts.length, 0)
  assert.notEqual(connector.connect({ ...target, tls: { ca: undefined, pfx: undefined }, local: {} }), otherwise)
  assert.notEqual(connector.connect({ ...target, tls: undefined, socketPath: '/tmp/socket' }), otherwise)
  const failed = connectorWith({ hasFailed: () => true })
  assert.equal(failed.connector.connect(target), failed.otherwise)
  const refusing = connectorWith({}, true)
  assert.equal(refusing.connector.connect(target), refusing.otherwise)
})
