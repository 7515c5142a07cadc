import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { test } from 'node:test'
import { WebSocket } from 'twoway'
import { createHub, type HubDiagnostics, type HubTraces } from 'twoway/hub'
import { metricsAnswer, prometheus, type ServerMetrics } from 'twoway/metrics'
import { type Server, type ServerDiagnostics, type ServerTraces, serve } from 'twoway/server'
import { parseExposition } from 'twoway-testing/exposition.js'

const document = readFileSync(new URL('../../docs/how-to/observability.md', import.meta.url), 'utf8')

/** The names in the first cells of the tables of a document, by the heading above each table. */
function namesByHeading(text: string): Map<string, string[]> {
  const names = new Map<string, string[]>()
  let heading = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '')
    if (!line.startsWith('| `')) continue
    const found = [...line.split(' | ')[0]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
    names.set(heading, [...(names.get(heading) ?? []), ...found])
  }
  return names
}

test('docs/how-to/observability.md has a row for each field of metrics() and each channel, and no other', async () => {
  const hub = createHub()
  const server = await serve({ port: 0, ...hub.handlers() })
  const metrics = server.metrics()
  await server.close()
  const channels = {
    'twoway:handshake': true,
    'twoway:open': true,
    'twoway:message': true,
    'twoway:ping': true,
    'twoway:backpressure': true,
    'twoway:send': true,
    'twoway:error': true,
    'twoway:drop': true,
    'twoway:limit': true,
    'twoway:close': true,
    'twoway:resume': true,
    'twoway:gap': true,
    'twoway:stale': true,
  } satisfies Record<keyof ServerDiagnostics | keyof HubDiagnostics, true>
  const traces = {
    'twoway:handshake': true,
    'twoway:handler': true,
    'twoway:publish': true,
    'twoway:deliver': true,
  } satisfies Record<keyof ServerTraces | keyof HubTraces, true>
  const named = namesByHeading(document)
  const expected = {
    'server.metrics()': Object.keys(metrics),
    Hubs: Object.keys(metrics.hub!),
    Channels: Object.keys(channels),
  }
  for (const [heading, names] of Object.entries(expected)) {
    assert.deepEqual(named.get(heading)?.sort(), names.sort(), heading)
  }
  assert.deepEqual([...named.keys()], Object.keys(expected))
  const items = [...document.matchAll(/^- `(twoway:\w+)`: /gm)].map(([, name]) => name)
  assert.deepEqual(items, Object.keys(traces))
})

test('the metrics of a hub are those of its server, also as text', async () => {
  const hub = createHub({ topics: { 'room.*': { publish: true } } })
  const server = await serve({ port: 0, ...hub.handlers({ message: () => undefined }) })
  await hub.publish('room.1', 'hi')
  const metrics = server.metrics()
  await server.close()
  assert.deepEqual(metrics.hub, hub.metrics())
  assert.equal(metrics.hub!.stored, 1)
  const families = parseExposition(prometheus(metrics), 'prometheus')
  assert.deepEqual(families.get('twoway_hub_stored_total')!.samples[0]!.value, 1)
  const { hub: _, ...without } = metrics
  const plain = parseExposition(prometheus(without as ServerMetrics), 'prometheus')
  assert.deepEqual(
    [...plain.keys()].filter((name) => name.includes('hub')),
    [],
  )
})

test('a server publishes through node:diagnostics_channel', async () => {
  const closes: ServerDiagnostics['twoway:close'][] = []
  const listen = (message: unknown): number => closes.push(message as ServerDiagnostics['twoway:close'])
  subscribe('twoway:close', listen)
  const server = await serve({ port: 0, message: (socket) => socket.close(4001, 'enough') })
  const socket = new WebSocket(server.url)
  socket.onopen = () => socket.send('hi')
  await once(socket, 'close')
  await server.close()
  unsubscribe('twoway:close', listen)
  assert.equal(closes.length, 1)
  assert.equal(closes[0]!.server, server)
  assert.equal(closes[0]!.meaning, "a code of the application's own")
})

for (const perMessageDeflate of [false, { thresholdBytes: 0 }]) {
  const how = perMessageDeflate ? 'compressed' : 'uncompressed'
  test(`the histograms have the payload bytes of messages that are ${how}, in UTF-8`, async () => {
    const server = await serve({
      port: 0,
      perMessageDeflate,
      async message(socket, message) {
        // Messages behind one in pieces wait for it.
        if (message === 'stream') void socket.sendStream(['a', 'b'])
        socket.send(message)
      },
    })
    const socket = new WebSocket(server.url, { perMessageDeflate: perMessageDeflate !== false } as never)
    socket.binaryType = 'arraybuffer'
    await once(socket, 'open')
    const messages = ['', 'x'.repeat(100), 'é'.repeat(1000), '€'.repeat(100_000), new Uint8Array(5000), 'stream']
    let answers = 0
    for (const message of messages) {
      socket.send(message)
      const expected = message === 'stream' ? 2 : 1
      for (let answer = 0; answer < expected; answer++, answers++) await once(socket, 'message')
    }
    server.broadcast('ü')
    await once(socket, 'message')
    const total = messages.reduce((sum, message) => sum + Buffer.byteLength(message), 0)
    const { histograms, receivedMessages, sentMessages } = server.metrics()
    const { receivedMessageBytes, sentMessageBytes } = histograms
    const count = ({ counts }: { readonly counts: readonly number[] }) => counts.reduce((one, other) => one + other)
    assert.deepEqual([receivedMessageBytes.sum, sentMessageBytes.sum], [total, total + 2])
    assert.deepEqual([count(receivedMessageBytes), count(sentMessageBytes)], [messages.length, messages.length + 1])
    assert.deepEqual([receivedMessages, sentMessages], [messages.length, answers + 1])
    assert.deepEqual(receivedMessageBytes.counts.slice(0, 6), [2, 0, 1, 0, 1, 1])
    socket.close()
    await server.close()
  })
}

test('a program serves its metrics by its own server, in the format that a scrape prefers', async () => {
  const server: Server = await serve({
    port: 0,
    request: ({ headers }) => metricsAnswer(server.metrics(), { accept: headers.get('accept') ?? null }),
  })
  const url = server.url.replace('ws', 'http')
  const plain = await fetch(url)
  assert.match(plain.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/)
  parseExposition(await plain.text(), 'prometheus')
  const open = await fetch(url, { headers: { Accept: 'application/openmetrics-text; version=1.0.0' } })
  assert.match(open.headers.get('content-type')!, /^application\/openmetrics-text/)
  parseExposition(await open.text(), 'openMetrics')
  await server.close()
})

test('the limits are said in metrics(), and are a share of the memory that the process may use', async () => {
  const server = await serve({ port: 0 })
  const { memoryBytes, connectionsLimit, bufferedBytesLimit, receiveBytesLimit } = server.metrics()
  await server.close()
  assert.ok(memoryBytes > 0 && memoryBytes <= totalmem())
  const eighth = Math.min(256 << 20, Math.floor(memoryBytes / 8))
  assert.deepEqual([bufferedBytesLimit, receiveBytesLimit], [eighth, eighth])
  assert.equal(connectionsLimit, Math.min(10_000, Math.floor(memoryBytes / (128 << 10))))
})
