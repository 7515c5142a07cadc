import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { WebSocket } from 'twoway'
import { Link, type LinkOptions, type TopicMessage } from 'twoway/link'
import { serveWorkers, type Workers, type WorkersOptions } from 'twoway/workers'

const moduleUrl = new URL('./hub/hub-worker.js', import.meta.url)

async function start(context: TestContext, options: WorkersOptions = {}): Promise<Workers> {
  const workers = await serveWorkers(moduleUrl, { workers: 2, execArgv: [], workerExit: () => undefined, ...options })
  context.after(() => workers.close())
  return workers
}

/** Waits until something is true. The test's own time is the limit. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Makes connections until some are to each worker. */
async function onBoth<Peer>(
  make: () => Promise<{ readonly peer: Peer; readonly pid: number }>,
): Promise<Map<number, Peer[]>> {
  const peers = new Map<number, Peer[]>()
  for (let tries = 0; tries < 100 && (peers.size < 2 || tries < 6); tries += 1) {
    const { peer, pid } = await make()
    peers.set(pid, [...(peers.get(pid) ?? []), peer])
  }
  assert.equal(peers.size, 2, 'connections land on both workers')
  return peers
}

async function connectLink(
  context: TestContext,
  url: string,
  user: string,
  options: LinkOptions = {},
): Promise<{ peer: { link: Link; got: TopicMessage[]; recovered: boolean[] }; pid: number }> {
  const link = new Link(url, { token: () => user, ...options })
  context.after(() => link.close())
  const got: TopicMessage[] = []
  const recovered: boolean[] = []
  link.subscribe('room.1', (message) => got.push(message), { started: (started) => recovered.push(started.recovered) })
  const pid = (await link.request('pid')) as number
  return { peer: { link, got, recovered }, pid }
}

describe('a hub in the workers of serveWorkers', { timeout: 120_000 }, () => {
  it('gives all links one order of messages, whichever worker took them', async (context) => {
    const workers = await start(context)
    const { url } = workers
    let count = 0
    const peers = [...(await onBoth(() => connectLink(context, url, `user ${count++}`))).values()].flat()
    await Promise.all(
      peers.flatMap(({ link }, at) => Array.from({ length: 20 }, (_, index) => link.publish('room.1', [at, index]))),
    )
    for (const { got } of peers) await until(() => got.length >= peers.length * 20)
    for (const { got } of peers) assert.deepEqual(got, peers[0]!.got)
    const { hub } = await workers.metrics()
    assert.deepEqual([hub!.stored, hub!.clients], [peers.length * 20, peers.length])
    assert.equal(
      hub!.brokerMs.publish!.counts.reduce((sum, count) => sum + count),
      peers.length * 20,
    )
    for (const [at] of peers.entries()) {
      const own = peers[0]!.got.flatMap(({ data }) => ((data as number[])[0] === at ? [(data as number[])[1]] : []))
      assert.deepEqual(
        own,
        Array.from({ length: 20 }, (_, index) => index),
      )
    }
  })

  it('loses nothing when a worker is killed, and its links resume', async (context) => {
    const { url } = await start(context)
    const peers = await onBoth(() => connectLink(context, url, 'ann'))
    const all = [...peers.values()].flat()
    const [[victim], [survivor]] = [[...peers.keys()], [...peers.values()][1]!] as const
    for (let index = 0; index < 10; index += 1) await survivor!.link.publish('room.1', index)
    process.kill(victim!, 'SIGKILL')
    for (let index = 10; index < 60; index += 1) await survivor!.link.publish('room.1', index)
    for (const { got } of all) await until(() => got.length >= 60)
    for (const { got, recovered } of all) {
      assert.deepEqual(
        got.map(({ data }) => data),
        Array.from({ length: 60 }, (_, index) => index),
      )
      assert.ok(!recovered.includes(false))
    }
    const history = await survivor!.link.history('room.1', { last: 60 })
    assert.equal(history.length, 60)
  })

  it('shows the members of all workers, and forgets those of a killed one when its lease ends', async (context) => {
    const { url } = await start(context)
    let count = 0
    const peers = await onBoth(() => connectLink(context, url, `user ${count++}`))
    const [[victim, lost], [, [survivor]]] = [...peers] as unknown as [
      [number, { link: Link }[]],
      [number, { link: Link }[]],
    ]
    let members: string[] = []
    survivor!.link.subscribe('room.2', undefined, {})
    const watcher = (await connectLink(context, url, 'watcher')).peer
    await until(() => watcher.link.status.state === 'online')
    const ask = async (): Promise<void> => {
      members = (await survivor!.link.presence('room.1')).map(({ user }) => user)
    }
    while (members.length < count + 1) await ask()
    for (const { link } of lost) link.close()
    process.kill(victim, 'SIGKILL')
    const left = count - lost.length
    while (members.filter((user) => user.startsWith('user')).length > left) await ask()
    assert.equal(members.filter((user) => user.startsWith('user')).length, left)
  })
})

interface Plain {
  readonly socket: WebSocket
  readonly got: string[]
}

async function connectPlain(context: TestContext, url: string): Promise<{ peer: Plain; pid: number }> {
  const socket = new WebSocket(url)
  context.after(() => socket.close())
  const got: string[] = []
  const pid = await new Promise<number>((resolve) => {
    socket.onmessage = ({ data }) => {
      socket.onmessage = (event) => got.push(event.data)
      resolve(Number(data))
    }
  })
  return { peer: { socket, got }, pid }
}

describe('publish in the workers of serveWorkers', { timeout: 120_000 }, () => {
  it('reaches the subscribers of all workers in one order, but for the one that is left out', async (context) => {
    const workers = await start(context)
    const peers = [...(await onBoth(() => connectPlain(context, workers.url))).values()].flat()
    for (let index = 0; index < 30; index += 1) {
      for (const [at, { socket }] of peers.entries()) {
        socket.send(JSON.stringify({ topic: 'plain.1', text: `${at} ${index}` }))
      }
    }
    const total = peers.length * 30
    for (const { got } of peers) await until(() => got.length >= total)
    for (const { got } of peers) assert.deepEqual(got, peers[0]!.got)
    peers[0]!.socket.send(JSON.stringify({ topic: 'plain.2', text: 'not to me', except: true }))
    for (const { got } of peers.slice(1)) await until(() => got.at(-1) === 'not to me')
    assert.equal(workers.publish('plain.3', 'from the parent'), 2)
    assert.equal(workers.publish('nobody', 'x'), 0)
    for (const { got } of peers) await until(() => got.at(-1) === 'from the parent')
    assert.ok(!peers[0]!.got.includes('not to me'))
    assert.throws(() => workers.publish('a.*', 'x'), { code: 'topicInvalid' })
  })

  it('goes on while a worker is stopped, which misses what is beyond the limit and nothing else', async (context) => {
    const errors: Error[] = []
    const workers = await start(context, { maxBufferedBytes: 100_000, error: (error) => errors.push(error) })
    const peers = await onBoth(() => connectPlain(context, workers.url))
    const [[stopped, [sleeper]], [, [awake]]] = [...peers] as [[number, Plain[]], [number, Plain[]]]
    process.kill(stopped, 'SIGSTOP')
    // Until the pipe and the limit are full.
    const text = 'x'.repeat(10_000)
    let sent = 0
    while (errors.length === 0) {
      awake!.socket.send(JSON.stringify({ topic: 'plain.1', text: `${sent} ${text}` }))
      sent += 1
      await until(() => awake!.got.length >= sent)
    }
    process.kill(stopped, 'SIGCONT')
    await until(() => sleeper!.got.length > 0)
    let last = 'again 0'
    for (let count = 1; sleeper!.got.at(-1) !== last; count += 1) {
      last = `again ${count}`
      workers.publish('plain.1', last)
      await until(() => awake!.got.at(-1) === last)
    }
    const whole = awake!.got.filter((each) => !each.startsWith('again'))
    const taken = sleeper!.got.filter((each) => !each.startsWith('again'))
    assert.ok(taken.length < whole.length)
    assert.deepEqual(taken, whole.slice(0, taken.length))
    assert.ok((await workers.metrics()).missedBroadcasts >= whole.length - taken.length)
    assert.match(errors[0]!.message, /takes no messages and misses them from now on/)
  })

  it('reaches the subscribers of a worker that was started again', async (context) => {
    const workers = await start(context)
    const [victim] = [...(await onBoth(() => connectPlain(context, workers.url))).keys()]
    process.kill(victim!, 'SIGKILL')
    let pids: (number | undefined)[] = []
    while (pids.length < 2 || pids.includes(victim)) {
      const { workers: all } = await workers.metrics()
      pids = all.flatMap(({ pid, state }) => (state === 'listening' ? [pid] : []))
    }
    const peers = [...(await onBoth(() => connectPlain(context, workers.url))).values()].flat()
    peers[0]!.socket.send(JSON.stringify({ topic: 'plain.1', text: 'to all' }))
    for (const { got } of peers) await until(() => got.includes('to all'))
  })
})
