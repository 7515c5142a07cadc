import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { createConnection as createTcpConnection, type Socket } from 'node:net'
import { totalmem } from 'node:os'
import { describe, it } from 'node:test'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'twoway'
import { serveWorkers, type WorkerExit } from 'twoway/workers'
import { parseExposition } from 'twoway-testing/exposition.js'
import { connect, failureOf, isAlive, moduleUrl, type Peer, peersOfAll, run } from './worker-peers.js'

/** Connects as a proxy that announces a client. */
async function connectAnnounced(url: string, client: string): Promise<string> {
  const createConnection = (): Socket => {
    const socket = createTcpConnection(Number(new URL(url).port), '127.0.0.1')
    socket.write(`PROXY TCP4 ${client} 127.0.0.1 12345 80\r\n`)
    return socket
  }
  const socket = new WebSocket(url, { createConnection })
  const messages: unknown[] = []
  await new Promise<void>((resolve, reject) => {
    socket.onerror = ({ error }) => reject(error)
    socket.onmessage = ({ data }) => {
      if (messages.push(data) === 2) resolve()
    }
  })
  socket.close()
  return String(messages[1])
}

describe('serveWorkers: its server for probes and metrics', () => {
  it('adds up the histograms of all workers, each of which has its part of the memory', async (context) => {
    const workers = await run(context, 'echo', { admin: { port: 0 } })
    const peers = await peersOfAll(workers.url, 2)
    for (const peer of peers) {
      peer.socket.send('hello')
      assert.equal(await peer.next(), 'hello')
    }
    assert.equal(await (await fetch(`${workers.adminUrl}/readyz`)).text(), 'ok\n')
    const families = parseExposition(await (await fetch(`${workers.adminUrl}/metrics`)).text(), 'prometheus')
    const value = (name: string): number => families.get(name)!.samples.at(-1)!.value
    assert.equal(value('twoway_received_message_bytes'), 2)
    assert.equal(value('twoway_received_messages_total'), 2)
    assert.equal(value('twoway_workers'), 2)
    const metrics = await workers.metrics()
    const memory = metrics.workers.map(({ metrics: own }) => own!.memoryBytes)
    assert.equal(memory[0], memory[1])
    assert.ok(memory[0]! > 0 && metrics.memoryBytes === 2 * memory[0]! && metrics.memoryBytes <= totalmem())
    for (const { socket } of peers) socket.close()
  })
})

describe('serveWorkers', () => {
  it('shares a port among processes, broadcasts to all, adds up what they count, and leaves no process', async (context) => {
    const workers = await run(context, 'echo')
    const peers = await peersOfAll(workers.url, 2)
    assert.equal(workers.url, `ws://127.0.0.1:${workers.port}`)
    assert.equal(workers.broadcast('hällo'), 2)
    assert.equal(workers.broadcast(Uint8Array.of(1, 2, 255)), 2)
    for (const peer of peers) {
      assert.equal(await peer.next(), 'hällo')
      assert.deepEqual(new Uint8Array((await peer.next()) as ArrayBuffer), Uint8Array.of(1, 2, 255))
      peer.socket.send('echo')
      assert.equal(await peer.next(), 'echo')
    }
    const metrics = await workers.metrics()
    assert.equal(metrics.workers.length, 2)
    assert.equal(
      metrics.opened,
      metrics.workers.reduce((sum, each) => sum + each.metrics!.opened, 0),
    )
    assert.equal(metrics.receivedMessages, 2)
    assert.deepEqual(new Set(metrics.workers.map(({ pid }) => pid)), new Set(peers.map(({ pid }) => pid)))
    const closes = peers.map(({ socket }) => once(socket as never, 'close'))
    await workers.close()
    for (const [event] of await Promise.all(closes)) assert.equal(event.code, 1001)
    assert.deepEqual(peers.map(({ pid }) => pid).filter(isAlive), [])
    await assert.rejects(connect(workers.url))
  })

  it('restarts a killed worker on the same port, and reports it', async (context) => {
    const exits: WorkerExit[] = []
    const workers = await run(context, 'echo', { workers: 1, workerExit: (exit) => void exits.push(exit) })
    const { pid } = await connect(workers.url)
    process.kill(pid, 'SIGKILL')
    while (exits.length === 0) await pass(10)
    let again: Peer | undefined
    while (again === undefined) again = await connect(workers.url).catch(() => pass(20).then(() => undefined))
    assert.notEqual(again.pid, pid)
    const [{ id, code, signal, restartInMs, reason } = assert.fail()] = exits
    assert.deepEqual([exits.length, id, exits[0]!.pid, code, signal], [1, 1, pid, null, 'SIGKILL'])
    assert.ok(restartInMs! >= 50 && restartInMs! <= 100)
    assert.equal(reason, `worker 1 (process ${pid}) ended by SIGKILL`)
  })

  it('closes and ends a worker on SIGTERM, and starts another', async (context) => {
    const exits: WorkerExit[] = []
    const workers = await run(context, 'echo', { workers: 1, workerExit: (exit) => void exits.push(exit) })
    const peer = await connect(workers.url)
    const closed = once(peer.socket as never, 'close')
    process.kill(peer.pid, 'SIGTERM')
    const [{ code }] = await closed
    assert.equal(code, 1001)
    while (exits.length === 0) await pass(10)
    assert.equal(exits[0]!.code, 143)
  })

  it("leaves the module the options that it was given for Node, and none of the library's own", async (context) => {
    const workers = await run(context, 'options', { workers: 1, execArgv: ['--no-warnings'] })
    assert.equal(await (await connect(workers.url)).next(), '["--no-warnings"]')
  })

  it('replaces the workers without a gap in listening', async (context) => {
    const workers = await run(context, 'echo', { workers: 1 })
    const before = await connect(workers.url)
    const closed = once(before.socket as never, 'close')
    const restarted = workers.restart({ withinMs: 0 })
    let isDone = false
    void restarted.then(() => {
      isDone = true
    })
    const [{ code }] = await closed
    assert.equal(code, 1012)
    await restarted
    assert.equal(isDone, true)
    const after = await connect(workers.url)
    assert.notEqual(after.pid, before.pid)
    assert.equal(isAlive(before.pid), false)
    assert.equal((await workers.metrics()).workerExits, 0)
  })

  it("includes attachments to a module's HTTP server", async (context) => {
    const workers = await run(context, 'attached')
    const peers = await peersOfAll(`${workers.url}/chat`, 2)
    assert.match(await (await fetch(workers.url.replace('ws', 'http'))).text(), /^\d+$/)
    assert.equal(workers.broadcast('hi'), 2)
    for (const peer of peers) assert.equal(await peer.next(), 'hi')
    const closes = peers.map(({ socket }) => once(socket as never, 'close'))
    await workers.close()
    for (const [event] of await Promise.all(closes)) assert.equal(event.code, 1001)
    assert.deepEqual(peers.map(({ pid }) => pid).filter(isAlive), [])
  })

  it('survives a write of node:cluster to a worker that has just died', async (context) => {
    const workers = await run(context, 'echo', { workers: 1 })
    // Node emits this if it answers a worker whose end of the channel is closed.
    const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.emit('error', error)
    const { socket, next } = await connect(workers.url)
    socket.send('still there')
    assert.equal(await next(), 'still there')
  })

  it('reads PROXY headers in each worker', async (context) => {
    const workers = await run(context, 'proxied')
    const clients = Array.from({ length: 8 }, (_, at) => `192.0.2.${at}`)
    const seen = await Promise.all(clients.map((client) => connectAnnounced(workers.urls[0]!, client)))
    assert.deepEqual(seen, clients)
    const stranger = new WebSocket(workers.urls[0]!)
    await new Promise((resolve) => (stranger.onerror = resolve))
    assert.deepEqual((await workers.metrics()).refusals, { proxyHeaderInvalid: 1 })
  })

  it('kills a worker that is stuck', async (context) => {
    const errors: string[] = []
    const workers = await run(context, 'echo', {
      workers: 1,
      killAfterMs: 200,
      error: ({ message }) => void errors.push(message),
    })
    const { pid, socket, next } = await connect(workers.url)
    socket.send('be stuck')
    assert.equal(await next(), 'be stuck')
    await workers.close()
    assert.equal(isAlive(pid), false)
    assert.deepEqual(errors, [`worker 1 (process ${pid}) has not ended within 200 ms, and was killed`])
  })

  it('refuses to share a port with a second start of the same program', async (context) => {
    const workers = await run(context, 'echo', { workers: 1 })
    const { code } = await failureOf('fixed', { env: { PORT: String(workers.port) } })
    assert.equal(code, 'EADDRINUSE')
    await connect(workers.url)
  })

  it('refuses invalid module URLs, and refuses to run in a worker', async () => {
    const sentence = { name: 'UsageError', message: /^serveWorkers takes the file: URL of a module/ }
    for (const wrong of [
      'data:text/javascript,',
      'https://localhost/a.js',
      './none.js',
      fileURLToPath(new URL('.', moduleUrl)),
    ])
      await assert.rejects(serveWorkers(wrong), sentence)
    assert.match((await failureOf('nest')).message, /UsageError: serveWorkers was called in a worker/)
  })
})
