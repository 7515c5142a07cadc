import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingHandler } from 'twoway-testing/harnesses/recording-handler.js'
import { TransportError } from '../../core/errors.js'
import type { HttpListener, ListenOptions } from '../../ports/http-host.js'
import { type BunHostParts, bunHttpHost } from './bun-http-host.js'
import type { BunApi } from './bun-sockets.js'

// `npm run test:runtimes -- bun` runs the contract of the port on Bun's real sockets.

const options: ListenOptions = {
  port: 0,
  host: 'localhost',
  tls: undefined,
  handshakeTimeoutMs: 1000,
  maxHeadBytes: 1000,
  maxHeaderFields: 10,
  maxRequests: 10,
  requestTimeoutMs: 1000,
}
const pem = { cert: 'certificate', key: 'key' }
const others = {} as HttpListener

function hostWith(change: Partial<BunHostParts> & { readonly listen?: BunApi['listen'] } = {}) {
  const listened: object[] = []
  const bun: BunApi = {
    dns: { lookup: async (host) => (host === 'localhost' ? [{ address: '127.0.0.1' }] : Promise.reject(new Error())) },
    listen: (given) => {
      listened.push(given)
      return { port: 4000, stop() {} }
    },
    connect: () => assert.fail(),
    ...(change.listen && { listen: change.listen }),
  }
  const host = bunHttpHost({
    bun,
    clock: new FakeClock(),
    explain: () => new TransportError('lost'),
    isProven: async () => true,
    otherwise: { listen: async () => others },
    watchDescriptors: () => () => {},
    ...change,
  })
  const listen = (more: Partial<ListenOptions>) => host.listen({ ...options, ...more }, new RecordingHandler())
  return { listen, listened }
}

test('listens by Bun.listen on the address of a name, on a Unix socket and with TLS', async () => {
  const { listen, listened } = hostWith()
  const listener = await listen({})
  assert.deepEqual([listener.address, listener.port, listener.path], ['127.0.0.1', 4000, 'bun'])
  const unix = await listen({ socketPath: '/tmp/socket' })
  assert.deepEqual([unix.address, unix.socketPath], ['', '/tmp/socket'])
  assert.equal((await listen({ tls: pem })).encrypted, true)
  assert.equal(listened.length, 3)
})

test('leaves to node:net what Bun.listen can not do', async () => {
  const { listen, listened } = hostWith()
  for (const more of [
    { handle: { fd: 3 } },
    { backlog: 10 },
    { proxyProtocol: () => true },
    { tls: { pfx: 'file' } },
    { socketPath: 'relative' },
    { host: 'unknown.invalid' },
  ] satisfies Partial<ListenOptions>[]) {
    assert.equal(await listen(more), others)
  }
  assert.deepEqual(listened, [])
})

test('leaves everything to node:net if the trial has failed, and an address that Bun.listen refuses', async () => {
  const failed = hostWith({ isProven: async () => false })
  assert.equal(await failed.listen({}), others)
  assert.deepEqual(failed.listened, [])
  const refused = hostWith({
    listen: () => {
      throw new Error('EADDRINUSE')
    },
  })
  assert.equal(await refused.listen({}), others)
})
