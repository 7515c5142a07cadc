import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, describe, it } from 'node:test'
import { parseExposition } from 'twoway-testing/exposition.js'
import { type FakeWorker, FakeWorkerHost } from 'twoway-testing/harnesses/fake-workers.js'
import { freePort } from 'twoway-testing/peers/free-ports.js'
import { nodeClock } from '../runtimes/node/clock.js'
import { nodeWorkers } from '../runtimes/node/workers/node-workers.js'
import { startWorkers } from './worker-pool.js'
import type { Workers, WorkersOptions } from './workers-types.js'

const { admin, random } = nodeWorkers(import.meta.url, {})

/** Workers that only do what a test tells them to, with a server for probes on a real port. */
function start(host: FakeWorkerHost, options: WorkersOptions = {}): Promise<Workers> {
  const ports = { clock: nodeClock, random, host, admin, parallelism: 2, report() {} }
  return startWorkers({ workerExit() {}, error() {}, admin: { port: 0 }, ...options }, ports)
}

async function up(context: { after(undo: () => unknown): void }, options: WorkersOptions = {}) {
  const host = new FakeWorkerHost()
  const starting = start(host, options)
  while (host.workers.length < 2) await new Promise(setImmediate)
  for (const worker of host.workers) worker.listening()
  const workers = await starting
  context.after(() => end(workers, host.workers))
  return { workers, host }
}

async function end(workers: Workers, all: readonly FakeWorker[]): Promise<void> {
  const closed = workers.close()
  for (const worker of all) {
    if (worker.asked.includes('close')) worker.answer('close')
    die(worker)
  }
  await closed
}

const dead = new WeakSet<FakeWorker>()

function die(worker: FakeWorker): void {
  if (!dead.has(worker)) worker.die({ code: 1 })
  dead.add(worker)
}

async function ask(url: string, init: RequestInit = {}): Promise<readonly [status: number, body: string, Headers]> {
  const response = await fetch(url, { ...init, headers: { Connection: 'close', ...init.headers } })
  return [response.status, await response.text(), response.headers]
}

describe('the server for probes and metrics of workers', () => {
  it('says that the process lives, and whether it is ready', async (context) => {
    const { workers, host } = await up(context)
    const { adminUrl } = workers
    assert.match(adminUrl, /^http:\/\/127\.0\.0\.1:\d+$/)
    assert.deepEqual((await ask(`${adminUrl}/livez`)).slice(0, 2), [200, 'ok\n'])
    assert.deepEqual((await ask(`${adminUrl}/readyz`)).slice(0, 2), [200, 'ok\n'])
    for (const worker of host.workers) die(worker)
    assert.deepEqual((await ask(`${adminUrl}/readyz`)).slice(0, 2), [503, 'no worker listens\n'])
    assert.equal((await ask(`${adminUrl}/livez`))[0], 200)
  })

  it('is not ready while workers start and drain, and lives all the while', async (context) => {
    const host = new FakeWorkerHost()
    const port = await freePort()
    const starting = start(host, { admin: { port } })
    while (host.workers.length < 2) await new Promise(setImmediate)
    const adminUrl = `http://127.0.0.1:${port}`
    assert.deepEqual((await ask(`${adminUrl}/readyz`)).slice(0, 2), [503, 'the workers are starting\n'])
    assert.equal((await ask(`${adminUrl}/livez`))[0], 200)
    for (const worker of host.workers) worker.listening()
    const workers = await starting
    context.after(() => end(workers, host.workers))
    assert.equal((await ask(`${adminUrl}/readyz`))[0], 200)
    workers.notReady()
    assert.deepEqual((await ask(`${adminUrl}/readyz`)).slice(0, 2), [503, 'the workers are stopping\n'])
    const drained = workers.drain({ withinMs: 1 })
    assert.deepEqual((await ask(`${adminUrl}/readyz`)).slice(0, 2), [503, 'the workers are stopping\n'])
    assert.equal((await ask(`${adminUrl}/livez`))[0], 200)
    for (const worker of host.workers) worker.answer('drain')
    await drained
  })

  it('serves the metrics of all workers in the format that the request prefers', async (context) => {
    const { workers, host } = await up(context)
    const accepted = { openMetrics: 'application/openmetrics-text; version=1.0.0', prometheus: '*/*' } as const
    for (const [format, Accept] of Object.entries(accepted) as [keyof typeof accepted, string][]) {
      for (const worker of host.workers) worker.received.length = 0
      const asked = ask(`${workers.adminUrl}/metrics`, { headers: { Accept } })
      for (const worker of host.workers) {
        while (!worker.asked.includes('metrics')) await new Promise(setImmediate)
        worker.answer('metrics', { connections: 2 })
      }
      const [status, body, headers] = await asked
      assert.equal(status, 200)
      assert.match(
        headers.get('content-type')!,
        format === 'prometheus' ? /^text\/plain; version=0\.0\.4/ : /^application/,
      )
      const families = parseExposition(body, format)
      assert.equal(families.get('twoway_connections')!.samples[0]!.value, 4)
      assert.deepEqual(families.get('twoway_workers')!.samples[0], {
        name: 'twoway_workers',
        labels: { state: 'listening' },
        value: 2,
      })
    }
  })

  it('answers 404 to other paths, and 421 to other names than its own', async (context) => {
    const { workers } = await up(context)
    const { adminUrl } = workers
    assert.equal((await ask(`${adminUrl}/`))[0], 404)
    assert.equal((await ask(`${adminUrl}/constructor`))[0], 404)
    const [status, , headers] = await ask(`${adminUrl}/livez`, { method: 'POST', body: '' })
    assert.deepEqual([status, headers.get('allow')], [405, 'GET, HEAD'])
    assert.equal((await ask(`${adminUrl}/livez`, { method: 'HEAD' }))[0], 200)
    const { get } = await import('node:http')
    const foreign = await new Promise<number | undefined>((resolve, reject) => {
      get(`${adminUrl}/metrics`, { headers: { Host: 'evil.example' } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      }).on('error', reject)
    })
    assert.equal(foreign, 421)
    const upgrade = {
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    }
    const handshake = await new Promise<number | undefined>((resolve, reject) => {
      get(`${adminUrl}/metrics`, { headers: upgrade }, (response) => {
        response.resume()
        resolve(response.statusCode)
      }).on('error', reject)
    })
    assert.equal(handshake, 404)
  })

  it('is closed with the workers, after them', async () => {
    const host = new FakeWorkerHost()
    const starting = start(host)
    while (host.workers.length < 2) await new Promise(setImmediate)
    for (const worker of host.workers) worker.listening()
    const workers = await starting
    const { adminUrl } = workers
    const closed = workers.close()
    assert.equal((await ask(`${adminUrl}/livez`))[0], 200)
    for (const worker of host.workers) {
      worker.answer('close')
      worker.die({ code: 0 })
    }
    await closed
    await assert.rejects(fetch(`${adminUrl}/livez`))
  })

  it('rejects with the system’s error if its port is taken, and starts no worker', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    after(() => taken.close())
    const host = new FakeWorkerHost()
    const { port } = taken.address() as { port: number }
    await assert.rejects(start(host, { admin: { port } }), { code: 'EADDRINUSE' })
    assert.equal(host.workers.length, 0)
    taken.close()
  })

  it('is named in the error about a wrong option', async () => {
    const host = new FakeWorkerHost()
    await assert.rejects(start(host, { admin: { port: -1 } }), /the option admin\.port must be/)
    await assert.rejects(start(host, { admin: { ports: 1 } as never }), /there is no option "ports" of admin/)
    await assert.rejects(start(host, { admin: true as never }), /the option admin must be an object/)
  })

  it('does not start without the option', async (context) => {
    const { workers } = await up(context, { admin: undefined })
    assert.equal(workers.adminUrl, '')
  })
})
