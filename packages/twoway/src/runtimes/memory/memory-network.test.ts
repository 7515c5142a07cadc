import assert from 'node:assert/strict'
import { test } from 'node:test'
import { httpHostContract } from 'twoway-testing/contracts/http-host.contract.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import type { HttpHandler, HttpResponse, ListenOptions } from '../../ports/http-host.js'
import { webClock } from '../web/clock.js'
import { MemoryNetwork } from './memory-network.js'

httpHostContract('memory network', async () => {
  const network = new MemoryNetwork(webClock)
  return { host: network, connector: network }
})

/** Its timers stand still; tasks run by themselves, so that the network moves. */
class StillClock extends FakeClock {
  override task(callback: () => void): void {
    setImmediate(callback)
  }
}

const options: ListenOptions = {
  port: 80,
  host: 'example.com',
  tls: undefined,
  handshakeTimeoutMs: 1000,
  maxHeadBytes: 2048,
  maxHeaderFields: 10,
  maxRequests: 100,
  requestTimeoutMs: 20_000,
}

const handler: HttpHandler = {
  upgrade: (_, transport) => transport.destroy(),
  request: ({ fields }) => ({ status: 200, fields: [], body: `hello from ${fields[1]}` }),
  refused: () => {},
  dropped: () => {},
  limited: () => {},
  failed: () => {},
}

async function get(network: MemoryNetwork, host: string, encrypted = false): Promise<RecordingSink> {
  const transport = network.connect({ host, port: 80, tls: encrypted ? {} : undefined })
  const sink = new RecordingSink()
  transport.start(sink)
  transport.write(Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`))
  transport.end()
  await sink.untilCalled('closed')
  return sink
}

test('tells hosts of one port apart', async () => {
  const network = new MemoryNetwork(new StillClock())
  await network.listen(options, handler)
  await network.listen({ ...options, host: 'localhost' }, handler)
  assert.match((await get(network, 'example.com')).text, /hello from example.com/)
  assert.match((await get(network, '127.0.0.1')).text, /hello from 127.0.0.1/)
  assert.match(String((await get(network, 'example.org')).error), /TransportError: can't connect to example.org:80/)
})

test('reaches every host of a port that is listened on for every address', async () => {
  const network = new MemoryNetwork(new StillClock())
  await network.listen({ ...options, host: '0.0.0.0' }, handler)
  assert.match((await get(network, 'example.org')).text, /hello from example.org/)
})

test('reaches a listener with TLS by TLS only', async () => {
  const network = new MemoryNetwork(new StillClock())
  await network.listen({ ...options, tls: { cert: '', key: '' } }, handler)
  assert.match((await get(network, 'example.com', true)).text, /hello/)
  assert.match(String((await get(network, 'example.com')).error), /can't connect to example.com:80: .*speaks TLS/)
})

test('leaves no timer behind a connection that is over', async () => {
  const clock = new StillClock()
  const network = new MemoryNetwork(clock)
  await network.listen(options, handler)
  await get(network, 'example.com')
  await tasks()
  assert.equal(clock.pendingTimers, 0)
})

test('leaves no timer behind a connection that was dropped before its answer', async () => {
  const clock = new StillClock()
  const network = new MemoryNetwork(clock)
  let answer = (): void => {}
  const answered = new Promise<HttpResponse>((resolve) => {
    answer = () => resolve({ status: 200, fields: [], body: '' })
  })
  const listener = await network.listen(options, { ...handler, request: () => answered })
  const transport = network.connect({ host: 'example.com', port: 80, tls: undefined })
  transport.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
  await tasks()
  await listener.close()
  await tasks()
  answer()
  await tasks()
  assert.equal(clock.pendingTimers, 0)
})

/** Lets what is under way in the network arrive. */
async function tasks(): Promise<void> {
  for (let count = 0; count < 5; count += 1) await new Promise((resolve) => setImmediate(resolve))
}

test('says so where it is asked for a Unix socket, a proxy or another connection, which it does not have', async () => {
  const network = new MemoryNetwork(new StillClock())
  const target = { host: 'localhost', port: 80, tls: undefined }
  for (const more of [{ socketPath: '/tmp/a' }, { proxy: { url: 'http://proxy' } }, { createConnection: () => {} }]) {
    const sink = new RecordingSink()
    network.connect({ ...target, ...more }).start(sink)
    await sink.untilCalled('closed')
    assert.match(
      String(sink.error),
      /TransportError: a network in memory has no (Unix sockets|proxies|createConnection)/,
    )
  }
})
