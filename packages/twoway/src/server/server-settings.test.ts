import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { UsageError } from '../core/errors.js'
import { serverLimits } from '../core/limits.js'
import { foreignListenOptions, foreignPlainOptions, foreignServerOptions } from './foreign-options.js'
import { attachTable, type ServerPorts, serveTable, settleAttach, settleServe } from './server-settings.js'

const ports = { deflateCodec: () => undefined } as unknown as ServerPorts

const noCounts = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null]
const noCountsOrInfinity = noCounts.filter((value) => value !== Number.POSITIVE_INFINITY)
const noFunctions = [5, 'echo', null, {}]
const noFlags = [0, 'true', null, {}]
const noLists = ['all', 5, null, [5], {}]

const common = {
  origin: [...noLists, ['example.com'], ['https://example.com/'], ['*'], ['https://*.example.com'], ['']],
  hosts: [...noLists, ['https://example.com'], ['example.com:8443'], ['*.example.com'], ['']],
  whenBufferFull: ['wait', true, null],
  sequential: noFlags,
  measureHandlers: noFlags,
  tuneMemory: noFlags,
  trustedProxies: [
    -1,
    1.5,
    33,
    'proxy',
    '10.0.0.0/33',
    '::1/129',
    '10.0.0.1/',
    '01.2.3.4',
    '1.2.3',
    '[::1]',
    ['::1', 5],
    null,
  ],
  perMessageDeflate: ['true', 5, null],
  maxMessageBytes: [...noCounts, 2 ** 29],
  handshakeTimeoutMs: noCounts,
  maxHeadBytes: noCounts,
  maxHeaderFields: noCounts,
  closeTimeoutMs: noCounts,
  highWaterMarkBytes: noCounts,
  maxBufferedBytes: noCounts,
  idleTimeoutMs: noCountsOrInfinity,
  maxConnections: noCounts,
  maxTotalBufferedBytes: noCounts,
  maxTotalReceiveBytes: noCounts,
  messageTimeoutMs: noCountsOrInfinity,
  maxMessagesPerSecond: noCountsOrInfinity,
  maxBytesPerSecond: noCountsOrInfinity,
  maxHandshakesPerSecond: noCountsOrInfinity,
  maxTopicsPerConnection: noCounts,
  maxTopics: noCounts,
  maxTopicLength: [...noCounts, 65_536],
  upgrade: noFunctions,
  open: noFunctions,
  message: noFunctions,
  messageStream: noFunctions,
  drain: noFunctions,
  close: noFunctions,
  error: noFunctions,
  path: [
    'chat',
    '/chat?x',
    '/#a',
    '',
    5,
    null,
    '/a/(b)',
    '/:a/:a',
    '/a*b',
    '/a/:b+',
    '/{a',
    '/a}',
    '/:',
    '/a/../b',
    '/a\\',
  ],
}

const wrongServe: { readonly [name in keyof typeof serveTable]: readonly unknown[] } = {
  ...common,
  port: [-1, 65_536, 1.5, '80', null],
  host: ['', 5, null],
  socketPath: ['', '\0a', 5, null],
  handle: [5, '3', null],
  backlog: noCounts,
  reusePort: noFlags,
  proxyProtocol: noFlags,
  tls: [true, {}, { cert: 'a' }, { key: 'a' }, null],
  request: noFunctions,
  maxRequests: noCounts,
  requestTimeoutMs: noCountsOrInfinity,
}

const wrongAttach: { readonly [name in keyof typeof attachTable]: readonly unknown[] } = {
  ...common,
  use: [true, [5], {}, () => {}, null],
}

const functions = [
  ['serve', wrongServe, settleServe],
  ['attach', wrongAttach, settleAttach],
] as const

for (const [owner, wrong, settle] of functions) {
  for (const [name, values] of Object.entries(wrong)) {
    test(`${owner} names the option ${name} and its rule if the value is wrong`, () => {
      for (const value of values) {
        assert.throws(
          () => settle({ [name]: value }, ports),
          (error) =>
            error instanceof UsageError &&
            error.code === 'optionInvalid' &&
            error.message.startsWith(`the option ${name} must be `),
          `${name}: ${String(value)}`,
        )
      }
    })
  }
}

test('a wrong origin or host is named, and the right one that it stands for', () => {
  const origins =
    "the option origin must be 'any', or a list of origins such as 'https://example.com', without a path, not a list with"
  const hosts =
    "the option hosts must be 'any', or a list of names such as 'example.com', without a scheme, a port or *, not a list with"
  const messages: readonly (readonly [object, string])[] = [
    [{ origin: ['null', 'https://example.com/'] }, `${origins} "https://example.com/": write "https://example.com"`],
    [{ origin: ['http://[::1]:80/chat?a#b'] }, `${origins} "http://[::1]:80/chat?a#b": write "http://[::1]:80"`],
    [{ origin: ['example.com'] }, `${origins} "example.com": correct it, or leave it out`],
    [{ origin: ['https://*.a.com/'] }, `${origins} "https://*.a.com/": correct it, or leave it out`],
    [{ hosts: ['a.com', 'https://example.com:80'] }, `${hosts} "https://example.com:80": write "example.com"`],
    [{ hosts: ['example.com:8443'] }, `${hosts} "example.com:8443": write "example.com"`],
    [{ hosts: ['ws://[::1]:80/'] }, `${hosts} "ws://[::1]:80/": write "[::1]"`],
    [{ hosts: ['*.example.com'] }, `${hosts} "*.example.com": correct it, or leave it out`],
    [{ hosts: [5] }, `${hosts} 5: correct it, or leave it out`],
  ]
  for (const [options, message] of messages) {
    assert.throws(() => settleServe(options, ports), { name: 'UsageError', code: 'optionInvalid', message })
  }
})

test('attach names the reason why it has no option of a server that listens', () => {
  for (const name of ['port', 'host', 'socketPath', 'handle', 'backlog', 'reusePort', 'tls']) {
    assert.throws(() => settleAttach({ [name]: 1 }, ports), {
      message: `attach() takes no option ${name}: the HTTP server decides where it listens, and whether with TLS`,
    })
  }
  assert.throws(() => settleAttach({ ['proxyProtocol' as string]: true }, ports, 'upgrader()'), {
    message:
      /^upgrader\(\) takes no option proxyProtocol: .* X-Forwarded-For, which trustedProxies reads, or use serve\(\) on a port of its own$/,
  })
  for (const name of ['request', 'maxRequests', 'requestTimeoutMs']) {
    assert.throws(() => settleAttach({ [name]: 1 }, ports), {
      message: `attach() takes no option ${name}: plain requests remain with the HTTP server`,
    })
  }
})

/** Options of `ws`, Bun, uWebSockets.js and Socket.IO, each with the words that the advice must have. */
const foreign: Readonly<Record<string, string>> = {
  server: 'attach()',
  noServer: 'upgrader()',
  verifyClient: 'upgrade()',
  handleProtocols: 'request.protocols',
  clientTracking: 'server.connections',
  maxPayload: 'maxMessageBytes',
  maxPayloadLength: 'maxMessageBytes',
  maxBackpressure: 'maxBufferedBytes',
  pingInterval: 'idleTimeoutMs',
  sendPings: 'idleTimeoutMs',
  closeTimeout: 'closeTimeoutMs',
  cors: 'origin',
  websocket: 'open, message, close',
  onMessage: 'message',
  skipUTF8Validation: 'leave it out',
  autoPong: 'leave it out',
}

for (const [owner, settle] of [
  ['serve', settleServe],
  ['attach', settleAttach],
] as const) {
  test(`${owner} names the replacements of options of other libraries`, () => {
    for (const [name, words] of Object.entries(foreign)) {
      assert.throws(
        () => settle({ [name]: 5 }, ports),
        (error) =>
          error instanceof UsageError &&
          error.message.startsWith(`there is no option "${name}" of ${owner}(): `) &&
          error.message.includes(words),
        name,
      )
    }
  })
}

test('serve names the replacements of foreign options that say where to listen, and attach refuses them', () => {
  for (const [name, words] of [
    ['hostname', 'host'],
    ['unix', 'socketPath'],
    ['cert', 'tls'],
    ['fetch', 'request()'],
  ] as const) {
    assert.throws(() => settleServe({ [name]: 5 }, ports), { message: new RegExp(`no option "${name}".*${words}`) })
    assert.throws(() => settleAttach({ [name]: 5 }, ports), /attach\(\) takes no option /)
  }
})

test('the advice about foreign options has no name that is an option', () => {
  const names = [foreignServerOptions, foreignListenOptions, foreignPlainOptions].flatMap(Object.keys)
  for (const name of names) assert.ok(!(name in serveTable) && !(name in attachTable), name)
})

test('a server does not repeat a key or a passphrase', () => {
  for (const tls of ['secret', ['secret'], { key: 'secret', passphrase: 'secret' }]) {
    assert.throws(
      () => settleServe({ tls: tls as never }, ports),
      (error) => error instanceof UsageError && !error.message.includes('secret'),
    )
  }
})

describe('a process with little memory', () => {
  const small = { ...ports, memoryBytes: () => 80 << 20 }
  const shares = { maxTotalReceiveBytes: 10 << 20, maxTotalBufferedBytes: 10 << 20, maxConnections: 640 }

  for (const [name, share] of Object.entries(shares) as [keyof typeof shares, number][]) {
    it(`has a share of it as ${name}, unless the option says more`, () => {
      assert.equal(settleServe({}, small).settings.limits[name], share)
      assert.equal(settleAttach({}, small).limits[name], share)
      assert.equal(settleServe({ [name]: 30 << 20 }, small).settings.limits[name], 30 << 20)
      assert.equal(settleServe({}, ports).settings.limits[name], serverLimits[name])
      assert.equal(settleServe({}, { ...ports, memoryBytes: () => 2 ** 40 }).settings.limits[name], serverLimits[name])
    })
  }

  it('limits the budgets of all connections to these shares', () => {
    const { budget, receiveBudget, memoryBytes } = settleServe({}, small).settings
    assert.deepEqual([budget.limit, receiveBudget.limit, memoryBytes], [10 << 20, 10 << 20, 80 << 20])
  })
})
