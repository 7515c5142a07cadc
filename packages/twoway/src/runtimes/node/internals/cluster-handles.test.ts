import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import process from 'node:process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { acceptTransports } from '../transport/choose-transport.js'
import { tryHandles } from './handle-trial.js'
import { streamWrap } from './stream-wrap.js'

/** The listening handle's place in a worker of node:cluster, and our part of it. */
interface Report {
  readonly port: number
  readonly functions: readonly string[]
  readonly ours: readonly string[]
}

if (cluster.isWorker) {
  const server = createServer(() => process.exit(1)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const handle = (server as unknown as { readonly _handle: Record<string, unknown> })._handle
  const before = { ...handle }
  await tryHandles()
  acceptTransports(server, (transport) => {
    transport.start({
      received: (bytes, start, end) => transport.write(Buffer.from(bytes.subarray(start, end))),
      ended: () => transport.end(),
      drained() {},
      closed() {},
    })
  })
  const functions = Object.keys(handle).filter((name) => typeof handle[name] === 'function')
  const ours = functions.filter((name) => handle[name] !== before[name])
  process.send!({ port: (server.address() as AddressInfo).port, functions, ours } satisfies Report)
} else {
  /** Methods that Node calls on it, and the one callback. */
  const known = new Set(['close', 'listen', 'ref', 'unref', 'getsockname', 'onconnection'])

  const skip = streamWrap === undefined || process.platform === 'win32'
  test('the handle that node:cluster shares out has no callback but onconnection, which is ours', {
    skip,
  }, async () => {
    cluster.schedulingPolicy = cluster.SCHED_RR
    cluster.setupPrimary({ exec: fileURLToPath(import.meta.url), args: [], execArgv: [] })
    const worker = cluster.fork()
    try {
      const [{ port, functions, ours }] = (await once(worker, 'message')) as [Report]
      assert.deepEqual(
        functions.filter((name) => !known.has(name)),
        [],
      )
      assert.deepEqual(ours, ['onconnection'])
      const socket = connect(port, '127.0.0.1')
      socket.write('hello')
      const [echo] = (await once(socket, 'data')) as [Buffer]
      assert.equal(echo.toString(), 'hello')
      socket.destroy()
    } finally {
      worker.process.kill()
      await once(worker, 'exit')
    }
  })
}
