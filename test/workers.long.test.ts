import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { serveWorkers, type WorkerExit } from 'twoway/workers'
import { HandshakeLoad } from './handshake-load.js'
import { connect, failureOf, isAlive, moduleUrl, peersOfAll, run } from './worker-peers.js'

/** Whether the processes listen by themselves; else node:cluster has the port. */
const canReusePort = process.platform === 'linux' && !/^v(?:20|21|22\.(?:\d|1[01])|23\.0)\./.test(process.version)

/** The fates of a connection that the system resets before it was accepted. */
const resets = ['ECONNRESET', 'ECONNREFUSED']

describe('serveWorkers', () => {
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
