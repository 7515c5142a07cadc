import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, createConnection as createTcpConnection, type Socket } from 'node:net'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { WebSocket } from 'twoway'
import { serveWorkers, type WorkerExit, type Workers, type WorkersOptions } from 'twoway/workers'
import { parseExposition } from 'twoway-testing/exposition.js'
import { HandshakeLoad } from './handshake-load.js'

/** Whether the processes listen by themselves; else node:cluster has the port. */
const canReusePort = process.platform === 'linux' && !/^v(?:20|21|22\.(?:\d|1[01])|23\.0)\./.test(process.version)

/** The fates of a connection that the system resets before it was accepted. */
const resets = ['ECONNRESET', 'ECONNREFUSED']

const moduleUrl = new URL('./worker-module.js', import.meta.url)

/** Workers of the module with the given behaviour. */
async function run(context: TestContext, what: string, options: WorkersOptions = {}): Promise<Workers> {
  const workers = await serveWorkers(moduleUrl, { workers: 2, args: [what], execArgv: [], ...options })
  context.after(() => workers.close())
  return workers
}

interface Peer {
  readonly socket: WebSocket
  /** The process at the other end. */
  readonly pid: number
  readonly messages: unknown[]
  next(): Promise<unknown>
}

async function connect(url: string): Promise<Peer> {
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  const messages: unknown[] = []
  let wake = (): void => {}
  socket.onmessage = ({ data }) => {
    messages.push(data)
    wake()
  }
  const next = async (): Promise<unknown> => {
    while (messages.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return messages.shift()
  }
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = ({ error }) => reject(error)
  })
  return { socket, pid: Number(await next()), messages, next }
}

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

/** Connects until there is a peer of each worker. The system distributes connections, so it may take several. */
async function peersOfAll(url: string, count: number): Promise<Peer[]> {
  const peers = new Map<number, Peer>()
  for (let tries = 0; peers.size < count && tries < 200; tries += 1) {
    const peer = await connect(url)
    if (peers.has(peer.pid)) peer.socket.close()
    else peers.set(peer.pid, peer)
  }
  assert.equal(peers.size, count, 'connections land on all workers')
  return [...peers.values()]
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Starts workers that must fail, and returns the error. */
async function failureOf(what: string, options: WorkersOptions = {}): Promise<Error & { readonly code?: string }> {
  // The worker also prints the error, which is not part of the test.
  const program = `import { serveWorkers } from 'twoway/workers'
    const options = ${JSON.stringify({ workers: 2, args: [what], execArgv: [], ...options })}
    await serveWorkers(${JSON.stringify(moduleUrl.href)}, options).catch(({ message, code, cause }) =>
      console.log(JSON.stringify({ message, code, cause: cause && { name: cause.name } })))`
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let printed = ''
  for await (const chunk of parent.stdout) printed += chunk
  return JSON.parse(printed)
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

  it('works with a module that is bundled with its own copy of the library', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'twoway-bundled-'))
    context.after(() => rmSync(folder, { recursive: true }))
    const outfile = join(folder, 'module.mjs')
    const entryPoints = [fileURLToPath(moduleUrl)]
    await build({ entryPoints, outfile, bundle: true, format: 'esm', platform: 'node', logLevel: 'error' })
    const exits: WorkerExit[] = []
    const workerExit = (exit: WorkerExit): void => void exits.push(exit)
    const workers = await serveWorkers(outfile, { workers: 1, args: ['echo'], execArgv: [], workerExit })
    context.after(() => workers.close())
    const peer = await connect(workers.url)
    assert.equal(workers.broadcast('to all'), 1)
    assert.equal(await peer.next(), 'to all')
    process.kill(peer.pid, 'SIGTERM')
    while (exits.length === 0) await pass(10)
    assert.equal(exits[0]!.code, 143)
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

  for (const what of ['echo', 'attached'] as const) {
    it(`refuses nobody while it replaces workers of ${what} that hold clients`, async (context) => {
      const workers = await run(context, what)
      const url = what === 'attached' ? `${workers.url}/chat` : workers.url
      const held = await Promise.all(Array.from({ length: 40 }, () => connect(url)))
      const closes = held.map(({ socket }) => once(socket as never, 'close'))
      const load = new HandshakeLoad(workers.port, 4, what === 'attached' ? '/chat' : '/')
      context.after(() => load.stop())
      await workers.restart({ withinMs: 500 })
      await load.stop()
      for (const [event] of await Promise.all(closes)) assert.equal(event.code, 1012)
      const { 101: accepted, ...others } = load.outcomes
      assert.ok(accepted! > 50, `${accepted} were accepted`)
      // The system resets connections that come while a socket of SO_REUSEPORT closes; node:cluster loses none.
      if (canReusePort && what === 'echo') for (const reset of resets) delete others[reset]
      assert.deepEqual(others, {})
      assert.equal((await workers.metrics()).workerExits, 0)
    })
  }

  it('shares several ports and a Unix socket, and ends a module that a timer keeps', {
    skip: process.platform === 'win32',
  }, async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'twoway-'))
    context.after(() => rmSync(folder, { recursive: true }))
    const workers = await run(context, 'several', { env: { SOCKET_PATH: join(folder, 'a.sock') } })
    assert.equal(workers.urls.length, 3)
    assert.notEqual(workers.urls[0], workers.urls[1])
    const all: number[][] = []
    for (const url of workers.urls) {
      const peers = await peersOfAll(url, 2)
      all.push(peers.map(({ pid }) => pid).sort())
    }
    assert.deepEqual(all[1], all[0])
    assert.deepEqual(all[2], all[0])
    await workers.drain({ withinMs: 0 })
    await workers.close()
    assert.deepEqual(all[0]!.filter(isAlive), [])
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

  it('rejects if the module throws, never serves, does not serve in time, or cannot listen', async (context) => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    context.after(() => taken.close())
    const port = String((taken.address() as { readonly port: number }).port)
    const [thrown, nothing, late, inUse] = await Promise.all([
      failureOf('throw'),
      failureOf('nothing'),
      failureOf('wait', { startTimeoutMs: 300 }),
      failureOf('fixed', { env: { PORT: port } }),
    ])
    assert.match(
      thrown.message,
      /^worker [12] \(process \d+\) ended with code 1 before it listened: TypeError: at once$/,
    )
    assert.deepEqual(thrown.cause, { name: 'TypeError' })
    assert.match(nothing.message, /its module had not called serve\(\)$/)
    assert.match(late.message, /did not listen within 300 ms, and was ended$/)
    assert.match(inUse.message, /Error: listen EADDRINUSE: address already in use 127\.0\.0\.1/)
    assert.equal(inUse.code, 'EADDRINUSE')
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

  it('leaves Ctrl+C, which reaches all processes, to the parent, and ends the workers with it', {
    skip: process.platform === 'win32',
  }, async () => {
    for (const [handling, signal] of [
      [`process.once('SIGINT', () => workers.close())`, 'SIGINT'],
      ['', 'SIGINT'],
      ['', 'SIGKILL'],
    ] as const) {
      const program = `import { serveWorkers } from 'twoway/workers'
        const workers = await serveWorkers(${JSON.stringify(moduleUrl.href)}, { workers: 2, args: ['echo'] })
        ${handling}
        console.log(workers.url)`
      const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
        cwd: fileURLToPath(new URL('.', import.meta.url)),
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      })
      const [line] = await once(parent.stdout, 'data')
      const { socket } = await connect(String(line).trim())
      // The workers have the parent's output too: it ends with the last of them.
      const ended = once(parent, 'close')
      const closed = once(socket as never, 'close')
      // A process alone is killed; Ctrl+C goes to the group.
      process.kill(signal === 'SIGKILL' ? parent.pid! : -parent.pid!, signal)
      const [{ code }] = await closed
      assert.equal(code, handling === '' ? 1006 : 1001)
      await ended
    }
  })
})
