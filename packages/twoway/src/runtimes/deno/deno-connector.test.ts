import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import { TransportError } from '../../core/errors.js'
import type { ConnectTarget } from '../../ports/connector.js'
import { type DenoConnectorParts, denoConnector } from './deno-connector.js'
import { type DenoApi, denoApi } from './deno-sockets.js'

// `npm run test:runtimes -- deno` runs the contracts of the ports on Deno's real connections.

const target: ConnectTarget = { host: 'example.com.', port: 443, tls: {} }

function connectorWith(change: Partial<DenoConnectorParts> = {}) {
  const log: unknown[] = []
  const connection = {
    remoteAddr: { hostname: '192.0.2.1', port: 443 },
    read: () => new Promise<never>(() => {}),
    write: async (bytes: Uint8Array) => bytes.length,
    closeWrite: async () => {},
    close: () => log.push('close'),
    setNoDelay: (on: boolean) => log.push(`noDelay ${on}`),
    handshake: async () => {},
  }
  const deno: DenoApi = {
    listenTls: () => assert.fail(),
    connect: async (options) => {
      log.push(options)
      return connection
    },
    startTls: async (_, options) => {
      log.push(options)
      return connection
    },
  }
  const otherwise = new RecordingTransport()
  const connector = denoConnector({
    deno,
    clock: new FakeClock(),
    otherwise: { connect: () => otherwise },
    explainLoss: (_, wasConnected, cause) => new TransportError(`${wasConnected}: ${cause?.message}`, { cause }),
    connected: () => log.push('connected'),
    hasProxy: ({ proxy }) => proxy !== undefined,
    ...change,
  })
  return { connector, deno, otherwise, log }
}

test('connects without delay, asks for the name without its last dot, and for HTTP/1.1', async () => {
  const { connector, log } = connectorWith()
  const transport = connector.connect(target)
  const sink = new RecordingSink()
  transport.start(sink)
  transport.write(Uint8Array.of(1))
  await sink.untilCalled('drained')
  assert.deepEqual(log, [
    { hostname: 'example.com.', port: 443 },
    'noDelay true',
    { hostname: 'example.com', alpnProtocols: ['http/1.1'] },
    'connected',
  ])
  assert.deepEqual(transport.peer, { address: '192.0.2.1', port: 443, encrypted: true })
})

test("leaves to node:tls what Deno's TLS would do otherwise, such as trust in the option ca alone", () => {
  const { connector, otherwise } = connectorWith()
  const others: ConnectTarget[] = [
    { ...target, tls: undefined },
    { ...target, tls: { ca: 'an authority' } },
    { ...target, tls: { rejectUnauthorized: false } },
    { ...target, tls: { minVersion: 'TLSv1.3' } },
    { ...target, tls: { checkServerIdentity: () => undefined } },
    { ...target, socketPath: '/tmp/socket' },
    { ...target, local: { family: 4 } },
    { ...target, proxy: { url: 'http://proxy' } },
    { ...target, createConnection: () => undefined },
  ]
  for (const other of others) assert.equal(connector.connect(other), otherwise)
  assert.notEqual(connector.connect({ ...target, tls: { ca: undefined, servername: 'a' }, local: {} }), otherwise)
})

test("gives Deno's failures the codes of Node, and closes TCP", async () => {
  for (const [message, code] of [
    ['invalid peer certificate: UnknownIssuer', 'UNABLE_TO_GET_ISSUER_CERT'],
    ['invalid peer certificate: certificate not valid for name "a"', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['received fatal alert: NoApplicationProtocol', 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'],
    ['failed to lookup address information: Name or service not known', 'ENOTFOUND'],
    ['anything else', undefined],
  ] as const) {
    const { deno, log } = connectorWith()
    const { connector } = connectorWith({ deno: { ...deno, startTls: () => Promise.reject(new Error(message)) } })
    const sink = new RecordingSink()
    connector.connect(target).start(sink)
    await sink.untilCalled('closed')
    assert.equal(sink.error?.message, `false: ${message}`)
    assert.equal((sink.error!.cause as { code?: string }).code, code)
    assert.equal(log.at(-1), 'close')
  }
})

test('closes a connection that comes after destroy', async () => {
  const { connector, log } = connectorWith()
  const transport = connector.connect(target)
  transport.destroy()
  const sink = new RecordingSink()
  transport.start(sink)
  while (!log.includes('close')) await new Promise(setImmediate)
})

test('is not used on Node', () => {
  assert.equal(denoApi(), undefined)
})
