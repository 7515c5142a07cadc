/**
 * `npm run test:observability`: the examples of OpenTelemetry and pino, run with the real packages. npm fetches them into
 * `.scratch`, where the examples are copied to.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cpSync, mkdirSync } from 'node:fs'
import { before, beforeEach, describe, it } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { WebSocket } from 'twoway'
import { createHub } from 'twoway/hub'
import { type ServeOptions, type Server, serve } from 'twoway/server'
import { installPackages } from 'twoway-test/runtimes/install-packages'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'

const folder = fileURLToPath(new URL('../../../.scratch/observability/', import.meta.url))
const packages = {
  '@opentelemetry/api': '1.9.0',
  '@opentelemetry/context-async-hooks': '2.12.1',
  '@opentelemetry/sdk-trace-base': '2.12.1',
  '@opentelemetry/sdk-trace-node': '2.12.1',
  pino: '10.4.0',
}

/** The part of a finished span that the tests read. */
interface Span {
  readonly name: string
  readonly kind: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status: { readonly code: number }
  readonly events: readonly { readonly name: string }[]
  readonly links: readonly { readonly context: { readonly spanId: string } }[]
  readonly parentSpanContext?: { readonly spanId: string } | undefined
  spanContext(): {
    readonly traceId: string
    readonly spanId: string
    readonly traceState?: { serialize(): string }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the packages are not installed when this is compiled
type Loaded = any

before(() => {
  mkdirSync(folder, { recursive: true })
  installPackages(folder, packages)
  cpSync(fileURLToPath(new URL('../../../examples/observability/', import.meta.url)), folder, { recursive: true })
})

/** Loads a module from the folder, or an installed package by a module there. */
async function load(name: string): Promise<Loaded> {
  if (name.endsWith('.mjs')) return import(pathToFileURL(`${folder}${name}`).href)
  const { createRequire } = await import('node:module')
  return createRequire(`${folder}index.js`)(name)
}

async function served(options: ServeOptions<unknown>, play: (server: Server<unknown>) => Promise<void>): Promise<void> {
  const server = await serve({ port: 0, error() {}, ...options })
  try {
    await play(server)
  } finally {
    await server.close()
  }
}

/** Connects, sends a text, and closes when an answer has come. */
async function converse(url: string, text: string, headers: Record<string, string> = {}): Promise<void> {
  const socket = new WebSocket(url, { headers } as never)
  socket.onopen = () => socket.send(text)
  socket.onmessage = () => socket.close(1000)
  await once(socket, 'close')
}

describe('the example of OpenTelemetry', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  // OpenTelemetry takes one provider per process.
  let exporter: Loaded
  let contextManager: Loaded
  before(async () => {
    const { InMemorySpanExporter, SimpleSpanProcessor } = await load('@opentelemetry/sdk-trace-base')
    const { NodeTracerProvider } = await load('@opentelemetry/sdk-trace-node')
    const { AsyncLocalStorageContextManager } = await load('@opentelemetry/context-async-hooks')
    exporter = new InMemorySpanExporter()
    contextManager = new AsyncLocalStorageContextManager()
    new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register({ contextManager })
  })
  beforeEach(() => exporter.reset())

  it('exports spans of handshakes and handlers, with the attributes of the semantic conventions', async () => {
    const { trace } = await load('@opentelemetry/api')
    const { traceServers } = await load('opentelemetry.mjs')
    const stop = traceServers({ contextManager })
    const options: ServeOptions<unknown> = {
      async upgrade(request) {
        await null
        return request.url.endsWith('/no') ? { status: 401 } : undefined
      },
      async message(socket, message) {
        await null
        // A span of the program's own is a child of the handler's.
        trace.getTracer('app').startSpan('look up').end()
        socket.send(message)
        if (message === 'throw') throw new Error('boom')
      },
    }
    await served(options, async ({ url }) => {
      await converse(`${url}/chat?token=secret`, 'hi', { traceparent, 'User-Agent': 'test' })
      await converse(`${url}/chat`, 'throw')
      const refused = new WebSocket(`${url}/no`)
      await once(refused, 'close')
    })
    const spans: Span[] = exporter.getFinishedSpans()
    const named = (name: string): Span[] => spans.filter((span) => span.name === name)
    const [handshake, , refused] = named('GET')
    assert.equal(named('GET').length, 3)
    assert.equal(handshake!.kind, 1)
    assert.equal(handshake!.spanContext().traceId, traceparent.split('-')[1])
    assert.equal(handshake!.parentSpanContext!.spanId, traceparent.split('-')[2])
    const { 'server.port': port, ...attributes } = handshake!.attributes
    assert.equal(typeof port, 'number')
    assert.deepEqual(attributes, {
      'http.request.method': 'GET',
      'http.response.status_code': 101,
      'url.scheme': 'ws',
      'url.path': '/chat',
      'server.address': '127.0.0.1',
      'network.protocol.name': 'http',
      'network.protocol.version': '1.1',
      'user_agent.original': 'test',
      'client.address': '127.0.0.1',
      'network.peer.address': '127.0.0.1',
    })
    assert.deepEqual([refused!.attributes['http.response.status_code'], refused!.status.code], [401, 0])
    const [message, failed] = named('websocket message')
    assert.equal(message!.links[0]!.context.spanId, handshake!.spanContext().spanId)
    assert.equal(message!.attributes['twoway.message.type'], 'text')
    assert.deepEqual([message!.status.code, failed!.status.code, failed!.attributes['error.type']], [0, 2, 'Error'])
    assert.equal(failed!.events[0]!.name, 'exception')
    const [own] = named('look up')
    assert.equal(own!.parentSpanContext!.spanId, message!.spanContext().spanId)
    assert.equal(JSON.stringify(spans.map((span) => span.attributes)).includes('secret'), false)

    stop()
    const before = spans.length
    await served(options, ({ url }) => converse(url, 'hi'))
    assert.deepEqual(
      exporter
        .getFinishedSpans()
        .slice(before)
        .map((span: Span) => span.name),
      ['look up'],
    )
  })

  it('follows a message from its publish to the processes that deliver it', async () => {
    const { trace } = await load('@opentelemetry/api')
    const { traceHubs } = await load('opentelemetry.mjs')
    const tracer = trace.getTracer('app')
    const stop = traceHubs({ contextManager })
    const hub = createHub({ topics: { 'room.*': { publish: true } } })
    await hub.subscribe('room.*', () => tracer.startSpan('index').end())
    await served({ ...hub.handlers() }, async ({ url }) => {
      await tracer.startActiveSpan('order', async (order: { end(): void }) => {
        await hub.publish('room.1', 'paid', { key: 'k' })
        order.end()
      })
      // A client by the specification of the subprotocol.
      const client = new WebSocket(url, 'twoway.1')
      await once(client, 'open')
      const say = (message: object): void => client.send(JSON.stringify(message))
      say({ t: 'hello' })
      say({ t: 'sub', id: 1, topic: 'room.2' })
      say({ t: 'pub', id: 2, topic: 'room.2', data: 'hi', traceparent, tracestate: 'vendor=1' })
      const got: string[] = []
      client.onmessage = ({ data }) => got.push(String(data))
      while (!got.some((text) => text.includes('"id":2'))) await once(client, 'message')
      assert.ok(got.some((text) => text.includes('"t":"msg"')))
      assert.doesNotMatch(got.join(), /trace/)
      client.close()
      await once(client, 'close')
    })
    stop()
    hub.close()
    const spans: Span[] = exporter.getFinishedSpans()
    const named = (name: string): Span[] => spans.filter((span) => span.name === name)
    const idOf = (span: Span | undefined): string => span!.spanContext().spanId
    const [published, ofClient] = named('publish')
    const [delivered, toClient] = named('deliver')
    const [index] = named('index')
    assert.deepEqual([published!.kind, delivered!.kind], [3, 4])
    assert.equal(published!.parentSpanContext!.spanId, idOf(named('order')[0]))
    assert.equal(delivered!.parentSpanContext!.spanId, idOf(published))
    assert.equal(index!.parentSpanContext!.spanId, idOf(delivered))
    assert.equal(new Set([published, delivered, index].map((span) => span!.spanContext().traceId)).size, 1)
    assert.deepEqual(published!.attributes, {
      'messaging.system': 'twoway',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'room.1',
      'messaging.message.id': 'k',
    })
    const [, traceId, parentId] = traceparent.split('-')
    assert.deepEqual([ofClient!.spanContext().traceId, ofClient!.parentSpanContext!.spanId], [traceId, parentId])
    assert.equal(ofClient!.spanContext().traceState!.serialize(), 'vendor=1')
    assert.equal(toClient!.parentSpanContext!.spanId, idOf(ofClient))
  })
})

describe('the example of pino', () => {
  it('says which errors are the fault of a peer, and which the program’s', async () => {
    const { pino } = await load('pino')
    const { logServers } = await load('pino.mjs')
    const lines: Record<string, unknown>[] = []
    const stop = logServers(pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) }))
    await served(
      {
        maxMessageBytes: 10,
        message() {
          throw new Error('boom')
        },
      },
      async ({ url }) => {
        const tooLong = new WebSocket(url)
        tooLong.onopen = () => tooLong.send('x'.repeat(11))
        await once(tooLong, 'close')
        const thrower = new WebSocket(url)
        thrower.onopen = () => thrower.send('throw')
        await once(thrower, 'close')
        const gone = await RawSocket.open(Number(new URL(url).port))
        gone!.destroy()
      },
    )
    stop()
    const errors = lines.filter(({ fault }) => fault !== undefined)
    assert.deepEqual(
      errors
        .filter(({ fault }) => fault !== 'network')
        .map(({ level, code, fault, connection }) => [level, code, fault, typeof connection]),
      [
        [30, 'messageTooBig', 'peer', 'string'],
        [50, 'handlerFailed', 'program', 'string'],
      ],
    )
    assert.deepEqual(
      lines.filter(({ limit }) => limit !== undefined).map(({ level, limit }) => [level, limit]),
      [[40, 'maxMessageBytes']],
    )
  })
})
