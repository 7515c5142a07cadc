import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { type Channel, channel } from 'node:diagnostics_channel'
import { describe, it, type TestContext } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { FaultyBroker } from 'twoway-testing/harnesses/faulty-broker.js'
import { HubHarness, settle } from 'twoway-testing/harnesses/hub-harness.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { webRandom } from '../../runtimes/web/random.js'
import { defaultDedupe, MemoryBroker } from '../../topics/memory-broker.js'
import type { HubDiagnostics, HubTraces } from './hub-diagnostics.js'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const tracestate = 'vendor=1'

function makeStorage(clock = new FakeClock(), maxTopics = 100): MemoryBroker {
  return new MemoryBroker({
    history: { count: 10, bytes: 1 << 20, ageMs: 60_000 },
    dedupe: defaultDedupe,
    maxTopics,
    totalBytes: 1 << 20,
    clock,
    random: webRandom,
    payload: webPayload,
  })
}

/** A hub on a broker that others share, and a way to that. */
function makeHub(storage = makeStorage()): { readonly harness: HubHarness; readonly way: FaultyBroker } {
  const way = new FaultyBroker(storage)
  const topics = { 'room.*': { publish: true }, 'live.*': { publish: true, store: false } }
  return { harness: new HubHarness({ topics, broker: way, error: () => undefined, leaseMs: 9000 }), way }
}

/** The messages of a channel for the time of a test. */
function listen<Message>(context: TestContext, name: string): Message[] {
  const messages: Message[] = []
  const listener = (message: unknown): unknown => messages.push(message as Message)
  channel(name).subscribe(listener)
  context.after(() => channel(name).unsubscribe(listener))
  return messages
}

/** Gives each publish a trace context, as a tracer does. */
function bindTracer(context: TestContext, started: Partial<HubTraces['twoway:publish']>[] = []): void {
  const start = channel('tracing:twoway:publish:start') as Channel<unknown, object>
  const storage = new AsyncLocalStorage<unknown>()
  start.bindStore(storage, (operation) => {
    started.push({ ...operation })
    Object.assign(operation, { traceparent, tracestate })
  })
  context.after(() => start.unbindStore(storage))
}

describe('the trace context of a publish', () => {
  it('comes to the processes that deliver the message, and not to their clients', async (context) => {
    const started: Partial<HubTraces['twoway:publish']>[] = []
    bindTracer(context, started)
    const delivered = listen<HubTraces['twoway:deliver']>(context, 'tracing:twoway:deliver:end')
    const storage = makeStorage()
    const [{ harness: one }, { harness: other }] = [makeHub(storage), makeHub(storage)]
    const [publisher, reader] = [await one.enter(), await other.enter()]
    reader.say({ t: 'sub', id: 1, topic: 'room.1' })
    reader.say({ t: 'sub', id: 2, topic: 'live.*' })
    await settle()
    reader.take()
    publisher.say({ t: 'pub', id: 1, topic: 'room.1', key: 'k', data: 'hi' })
    publisher.say({ t: 'pub', id: 2, topic: 'live.1', data: 'ho' })
    await settle()
    assert.deepEqual(
      started.map(({ topic, key, client, hub }) => [topic, key, client?.id, hub === one.hub]),
      [
        ['room.1', 'k', 'connection 1', true],
        ['live.1', undefined, 'connection 1', true],
      ],
    )
    const there = delivered.filter(({ hub }) => hub === other.hub)
    assert.deepEqual(
      there.map((each) => [each.topic, each.position?.offset, each.traceparent, each.tracestate]),
      [
        ['room.1', 1, traceparent, tracestate],
        ['live.1', undefined, traceparent, tracestate],
      ],
    )
    const got = reader.take()
    assert.deepEqual(
      got.map(({ data }) => data),
      ['hi', 'ho'],
    )
    assert.doesNotMatch(JSON.stringify(got), /trace/)
  })

  it('is that of the client if no tracer sets another, for the server that publishes none', async (context) => {
    const delivered = listen<HubTraces['twoway:deliver']>(context, 'tracing:twoway:deliver:start')
    const { harness } = makeHub()
    const client = await harness.enter()
    await harness.hub.subscribe('room.1', () => undefined)
    client.say({ t: 'pub', id: 1, topic: 'room.1', data: 1, traceparent, tracestate })
    client.say({ t: 'pub', id: 2, topic: 'room.1', data: 2, traceparent: 'wrong' })
    await settle()
    await harness.hub.publish('room.1', 3)
    assert.deepEqual(
      delivered.map((each) => [each.position?.offset, each.traceparent, each.tracestate]),
      [[1, traceparent, tracestate]],
    )
  })

  it('has a store that holds in the listeners of the server', async (context) => {
    bindTracer(context)
    const storage = new AsyncLocalStorage<string>()
    const start = channel('tracing:twoway:deliver:start') as Channel<unknown, HubTraces['twoway:deliver']>
    start.bindStore(storage as AsyncLocalStorage<unknown>, (operation) => operation.traceparent)
    context.after(() => start.unbindStore(storage as AsyncLocalStorage<unknown>))
    const { harness } = makeHub()
    const stores: unknown[] = []
    await harness.hub.subscribe('room.*', () => stores.push(storage.getStore()))
    await harness.hub.publish('room.1', 'hi')
    assert.deepEqual(stores, [traceparent])
  })

  it('ends with the position, or with the error of the broker', async (context) => {
    const ended = listen<HubTraces['twoway:publish']>(context, 'tracing:twoway:publish:asyncEnd')
    const { harness, way } = makeHub()
    const position = await harness.hub.publish('room.1', 'hi')
    way.isAway = true
    await assert.rejects(harness.hub.publish('room.1', 'ho'))
    assert.deepEqual(
      ended.map(({ result, error }) => [result, (error as Error | undefined)?.message]),
      [
        [position, undefined],
        [undefined, 'the broker is away'],
      ],
    )
  })
})

describe('the channels of a hub', () => {
  it('tell of resumes, whole and not', async (context) => {
    const resumes = listen<HubDiagnostics['twoway:resume']>(context, 'twoway:resume')
    const { harness } = makeHub()
    const client = await harness.enter()
    const first = (await harness.hub.publish('room.1', 1))!
    await harness.hub.publish('room.1', 2)
    const { epoch, offset, mark } = first
    client.say({ t: 'sub', id: 1, topic: 'room.1', at: [epoch, offset, mark] })
    client.say({ t: 'sub', id: 2, topic: 'room.1', at: ['other', offset, mark] })
    client.say({ t: 'sub', id: 3, topic: 'room.1' })
    await settle()
    assert.deepEqual(
      resumes.map(({ hub, client: { id }, topic, recovered, reason, messages }) => [
        ...[hub === harness.hub, id, topic],
        ...[recovered, reason, messages],
      ]),
      [
        [true, 'connection 1', 'room.1', true, undefined, 1],
        [true, 'connection 1', 'room.1', false, 'unknown-epoch', 0],
      ],
    )
    const { recovered, notRecovered, stored, published } = harness.hub.metrics()
    assert.deepEqual([recovered, notRecovered, stored, published], [1, { 'unknown-epoch': 1 }, 2, 2])
  })

  it('tell of gaps: found, then filled or told', async (context) => {
    const gaps = listen<HubDiagnostics['twoway:gap']>(context, 'twoway:gap')
    const storage = makeStorage()
    const { harness, way } = makeHub(storage)
    const client = await harness.enter()
    client.say({ t: 'sub', id: 1, topic: 'room.1' })
    await settle()
    way.loses = ({ position }) => position.offset === 1
    for (const data of [1, 2]) await harness.hub.publish('room.1', data)
    await settle()
    // More are lost than the broker keeps.
    way.loses = () => true
    for (let data = 3; data < 20; data += 1) await harness.hub.publish('room.1', data)
    way.loses = () => false
    await harness.hub.publish('room.1', 20)
    await settle()
    const topic = await storage.open('room.1', { stored: () => undefined, volatile: () => undefined })
    await topic.publish('of another program')
    await settle()
    assert.deepEqual(
      gaps.map(({ topic, state, reason }) => [topic, state, reason]),
      [
        ['room.1', 'found', undefined],
        ['room.1', 'filled', undefined],
        ['room.1', 'found', undefined],
        ['room.1', 'told', 'expired'],
        ['room.1', 'told', 'malformed'],
      ],
    )
  })

  it('tell once that the broker does not answer, and once that it does', async (context) => {
    const changes = listen<HubDiagnostics['twoway:stale']>(context, 'twoway:stale')
    const { harness, way } = makeHub()
    await harness.hub.subscribe('room.1', () => undefined)
    for (const isAway of [false, true, true, false, false]) {
      way.isAway = isAway
      harness.clock.advance(5000)
      await settle()
      assert.equal(harness.hub.metrics().stale, Number(isAway))
    }
    assert.deepEqual(
      changes.map(({ hub, stale }) => [hub === harness.hub, stale]),
      [
        [true, true],
        [true, false],
      ],
    )
  })
})

describe('the metrics of a hub', () => {
  it('have the times and failures of a shared broker, by operation', async () => {
    const { harness, way } = makeHub()
    const client = await harness.enter()
    client.say({ t: 'sub', id: 1, topic: 'room.1' })
    await settle()
    await harness.hub.publish('room.1', 1)
    harness.clock.advance(5000)
    await settle()
    way.isAway = true
    await assert.rejects(harness.hub.publish('room.1', 2))
    const { brokerMs, brokerFailures, stored, published, delivered } = harness.hub.metrics()
    const counted = Object.entries(brokerMs).map(([name, { counts }]) => [name, counts.reduce((a, b) => a + b)])
    assert.deepEqual(Object.fromEntries(counted), { open: 1, read: 1, publish: 1, head: 1 })
    assert.deepEqual([brokerFailures, stored, published, delivered], [{ publish: 1 }, 1, 2, 1])
  })

  it('measure no broker within the process', async () => {
    const harness = new HubHarness({ topics: { 'room.*': {} } })
    await harness.hub.publish('room.1', 1)
    assert.deepEqual(harness.hub.metrics().brokerMs, {})
    assert.equal(harness.hub.metrics().stored, 1)
  })

  it('show that a process with many topics compares the heads of 1000 at a time, in turn', async () => {
    const { harness } = makeHub(makeStorage(new FakeClock(), 3000))
    for (let index = 0; index < 2500; index += 1) await harness.hub.subscribe(`room.${index}`, () => undefined)
    const compared: number[] = []
    for (let check = 0; check < 3; check += 1) {
      harness.clock.advance(5000)
      await settle()
      compared.push(harness.hub.metrics().brokerMs.head!.counts.reduce((sum, count) => sum + count))
    }
    assert.deepEqual(compared, [1000, 2000, 3000])
  })
})
