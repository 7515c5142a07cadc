import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { type FakeWorker, FakeWorkerHost } from 'twoway-testing/harnesses/fake-workers.js'
import { StillNetwork } from 'twoway-testing/harnesses/still-network.js'
import { startWorkers } from './worker-pool.js'
import type { WorkerExit, Workers, WorkersOptions } from './workers-types.js'

class Scene {
  readonly network = new StillNetwork()
  readonly clock: FakeClock = this.network.clock
  readonly host = new FakeWorkerHost()
  readonly exits: WorkerExit[] = []
  readonly errors: string[] = []
  readonly reports: string[] = []

  start(options: WorkersOptions = {}): Promise<Workers> {
    return startWorkers(
      {
        workers: 2,
        workerExit: (exit) => void this.exits.push(exit),
        error: (error) => void this.errors.push(error.message),
        ...options,
      },
      {
        clock: this.clock,
        random: { maskingKey: () => -1, bytes: (length) => new Uint8Array(length) },
        host: this.host,
        admin: this.network.ports,
        parallelism: 3,
        report: (error) => void this.reports.push((error as Error).message),
      },
    )
  }

  /** Starts workers that all listen. */
  async up(options: WorkersOptions = {}): Promise<Workers> {
    const starting = this.start(options)
    for (const worker of this.host.workers) worker.listening()
    return starting
  }

  worker(nth: number): FakeWorker {
    return this.host.workers[nth]!
  }
}

describe('serveWorkers: the start', () => {
  it('resolves once all workers listen, with their addresses', async () => {
    const scene = new Scene()
    let isUp = false
    const starting = scene.start().then((workers) => {
      isUp = true
      return workers
    })
    scene.worker(0).listening()
    await turn()
    assert.equal(isUp, false)
    scene.worker(1).listening()
    const workers = await starting
    assert.deepEqual([workers.url, workers.port, workers.urls], ['ws://127.0.0.1:5000', 5000, ['ws://127.0.0.1:5000']])
    assert.equal(workers.isReady, true)
  })

  it('starts as many workers as the machine runs in parallel, unless the options say otherwise', async () => {
    const scene = new Scene()
    await scene.up({ workers: undefined })
    assert.equal(scene.host.workers.length, 3)
  })

  it('answers a worker with its port, or with the reason why there is none', async () => {
    const scene = new Scene()
    void scene.start().catch(() => {})
    const request = { port: 0, host: '127.0.0.1', nth: 0, isShared: false }
    scene.worker(0).tell({ type: 'port', ask: 7, request })
    await turn()
    assert.deepEqual(scene.worker(0).received, [{ type: 'port', ask: 7, port: 5000 }])
    scene.host.findPort = () => Promise.reject(Object.assign(new Error('in use'), { code: 'EADDRINUSE' }))
    scene.worker(1).tell({ type: 'port', ask: 8, request: { ...request, port: 80 } })
    await turn()
    const [answer] = scene.worker(1).received
    assert.ok(answer?.type === 'port')
    assert.deepEqual([answer.ask, answer.error?.message, answer.error?.code], [8, 'in use', 'EADDRINUSE'])
  })

  const failures: readonly [name: string, fail: (scene: Scene) => void, sentence: RegExp, code?: string][] = [
    [
      'told of its error',
      ({ host: { workers } }) => {
        workers[1]!.tell({ type: 'failed', error: { name: 'TypeError', message: 'no', code: 'EADDRINUSE' } })
        workers[1]!.die({ code: 1 })
      },
      /^worker 2 \(process 102\) ended with code 1 before it listened: TypeError: no$/,
      'EADDRINUSE',
    ],
    ['told nothing', ({ host }) => host.workers[1]!.die({ code: 1 }), /before it listened; what it printed says why$/],
    ['never called serve', ({ host }) => host.workers[1]!.die({ code: 0 }), /its module had not called serve\(\)$/],
    ['was killed', ({ host }) => host.workers[1]!.die({ signal: 'SIGKILL' }), /ended by SIGKILL before it listened/],
    [
      'could not be started',
      ({ host }) => host.workers[1]!.die({ error: Object.assign(new Error('no memory'), { code: 'ENOMEM' }) }),
      /could not be started: Error: no memory$/,
      'ENOMEM',
    ],
    [
      'does not listen in time',
      ({ clock, host }) => {
        clock.advance(30_000)
        assert.deepEqual(host.workers[1]!.signals, ['kill'])
        host.workers[1]!.die({ signal: 'SIGKILL' })
      },
      /did not listen within 30000 ms, and was ended$/,
    ],
    [
      'listened and died before the others listened',
      ({ host }) => {
        host.workers[1]!.listening()
        host.workers[1]!.die({ code: 3 })
      },
      /^worker 2 \(process 102\) ended with code 3$/,
    ],
  ]
  for (const [name, fail, sentence, code] of failures) {
    it(`rejects where a worker ${name}, and stops the others`, async () => {
      const scene = new Scene()
      const starting = scene.start()
      let isSettled = false
      const rejected = assert
        .rejects(starting, (error: Error & { code?: string }) => {
          assert.match(error.message, sentence)
          assert.equal(error.code, code)
          return true
        })
        .then(() => {
          isSettled = true
        })
      fail(scene)
      await turn()
      assert.ok(scene.worker(0).signals.length > 0)
      assert.equal(isSettled, false)
      scene.worker(0).die({ signal: 'SIGTERM' })
      await rejected
      assert.equal(scene.clock.pendingTimers, 0)
      assert.deepEqual([scene.exits, scene.errors], [[], []])
    })
  }
})

describe('serveWorkers: a worker that dies', () => {
  it('is reported and started again, later each time', async () => {
    const scene = new Scene()
    await scene.up()
    scene.worker(0).tell({ type: 'failed', error: { name: 'Error', message: 'boom' } })
    scene.worker(0).die({ code: 1 })
    const [exit] = scene.exits
    assert.ok(exit)
    const { id, pid, code, signal, reason, restartInMs, error } = exit
    assert.deepEqual([id, pid, code, signal, restartInMs, error?.message], [1, 101, 1, null, 100, 'boom'])
    assert.equal(reason, 'worker 1 (process 101) ended with code 1: Error: boom')
    scene.clock.advance(99)
    assert.equal(scene.host.workers.length, 2)
    scene.clock.advance(1)
    assert.equal(scene.host.workers.length, 3)
    scene.worker(2).die({ signal: 'SIGSEGV' })
    assert.equal(scene.exits[1]?.restartInMs, 200)
    assert.equal(scene.exits[1]?.id, 1)
    scene.clock.advance(200)
    scene.worker(3).listening()
    scene.clock.advance(30_000)
    scene.worker(3).die({ code: 0 })
    assert.equal(scene.exits[2]?.restartInMs, 100)
  })

  it('is printed if there is no handler', async () => {
    const scene = new Scene()
    await scene.up({ workerExit: undefined } as object)
    scene.worker(1).die({ signal: 'SIGKILL' })
    assert.deepEqual(scene.reports, ['worker 2 (process 102) ended by SIGKILL; it is started again in 100 ms'])
  })

  it('is started again even if a handler throws; error is called with it, and it is printed if that throws too', async () => {
    const scene = new Scene()
    await scene.up({
      workerExit: () => Promise.reject(new Error('in workerExit')),
      error: (error) => {
        throw new Error(`in error, of ${error.message}`)
      },
    })
    scene.worker(0).die()
    await turn()
    assert.deepEqual(scene.reports, ['in error, of in workerExit'])
    scene.clock.advance(100)
    assert.equal(scene.host.workers.length, 3)
  })

  it('is not started again while draining, nor after close', async () => {
    const scene = new Scene()
    const workers = await scene.up()
    scene.worker(0).die()
    const draining = workers.drain({ withinMs: 0 })
    scene.worker(1).die()
    await draining
    assert.deepEqual(
      scene.exits.map(({ restartInMs }) => restartInMs),
      [100, undefined],
    )
    scene.clock.advance(60_000)
    assert.equal(scene.host.workers.length, 2)
    await workers.close()
    assert.equal(scene.clock.pendingTimers, 0)
  })
})

describe('serveWorkers: broadcast', () => {
  it('goes to each worker that listens, as text and as bytes', async () => {
    const scene = new Scene()
    const workers = await scene.up()
    assert.equal(workers.broadcast('hi', { compress: true }), 2)
    assert.equal(workers.broadcast(Uint8Array.of(1).buffer), 2)
    for (const worker of scene.host.workers) {
      assert.deepEqual(worker.received, [
        { type: 'broadcast', message: 'hi', compress: true },
        { type: 'broadcast', message: Uint8Array.of(1), compress: undefined },
      ])
    }
    assert.throws(() => workers.broadcast(1 as never), { name: 'UsageError' })
    scene.worker(0).die()
    assert.equal(workers.broadcast('hi'), 1)
    scene.clock.advance(100)
    assert.equal(workers.broadcast('hi'), 1)
    scene.worker(2).listening()
    assert.equal(workers.broadcast('hi'), 2)
  })

  it('buffers at most maxBufferedBytes and one message for a worker that takes none, and goes to the others', async () => {
    const scene = new Scene()
    const workers = await scene.up({ maxBufferedBytes: 100 })
    scene.worker(0).takes = false
    const sent = Array.from({ length: 5 }, () => workers.broadcast(new Uint8Array(50)))
    // 50, 100, and 150 wait: only then is it more.
    assert.deepEqual(sent, [2, 2, 2, 1, 1])
    assert.equal(scene.worker(0).received.length, 3)
    assert.equal(scene.worker(1).received.length, 5)
    assert.deepEqual(scene.errors, [
      'worker 1 (process 101) takes no messages and misses them from now on: 150 bytes wait, and maxBufferedBytes is 100',
    ])
    scene.worker(0).take()
    assert.equal(workers.broadcast('x'.repeat(51)), 2)
    scene.worker(0).takes = false
    assert.equal(workers.broadcast('x'.repeat(51)), 2)
    assert.equal(workers.broadcast('x'), 1)
    assert.equal(scene.errors.length, 2)
    const metrics = workers.metrics()
    for (const worker of scene.host.workers) worker.answer('metrics')
    assert.equal((await metrics).missedBroadcasts, 3)
  })

  it('buffers topics within the same limit, and counts what workers could not send', async () => {
    const scene = new Scene()
    const workers = await scene.up({ maxBufferedBytes: 500 })
    for (const worker of scene.host.workers) {
      worker.tell({ type: 'topic', server: 0, pattern: 'room.*', hasSubscribers: true })
    }
    scene.worker(0).takes = false
    const publish = (message: string): void =>
      scene.worker(1).tell({ type: 'publish', server: 0, own: 1, published: { topic: 'room.1', message } })
    // 300 bytes each, and 600 wait.
    for (const message of ['a', 'b', 'c']) publish(message.repeat(50))
    assert.deepEqual(
      scene.host.workers.map(({ asked }) => asked.length),
      [2, 3],
    )
    assert.equal(workers.publish('room.1', 'x'), 1)
    scene.worker(0).take()
    assert.equal(workers.publish('room.1', 'x'), 2)
    assert.equal(scene.errors.length, 1)
    const metrics = workers.metrics()
    for (const worker of scene.host.workers) worker.answer('metrics', {}, 4)
    assert.equal((await metrics).missedBroadcasts, 2 + 2 * 4)
  })

  it('counts the answers to hubs among the bytes that wait', async () => {
    const scene = new Scene()
    const workers = await scene.up({ maxBufferedBytes: 300 })
    scene.worker(0).takes = false
    for (const ask of [1, 2]) {
      const question = { op: 'open', channel: ask, topic: 'a' } as const
      scene.worker(0).tell({ type: 'brokerAsk', ask, question })
    }
    while (scene.worker(0).received.length < 2) await turn()
    assert.equal(workers.broadcast('x'), 1)
  })
})

describe('serveWorkers: metrics', () => {
  it('are added up, and listed for each worker', async () => {
    const scene = new Scene()
    const workers = await scene.up()
    const asked = workers.metrics()
    scene.worker(0).answer('metrics', { connections: 2, handshakes: { 101: 2 } })
    scene.worker(1).answer('metrics', { connections: 3, handshakes: { 101: 3, 403: 1 } })
    const metrics = await asked
    assert.equal(metrics.connections, 5)
    assert.deepEqual(metrics.handshakes, { 101: 5, 403: 1 })
    assert.deepEqual(
      metrics.workers.map(({ id, pid, state, metrics: own }) => [id, pid, state, own?.connections]),
      [
        [1, 101, 'listening', 2],
        [2, 102, 'listening', 3],
      ],
    )
  })

  it('keep the totals of workers that are gone, but not their connections', async () => {
    const tuning = { memoryTuning: { on: 1, freedMemoryKept: 1, youngCollections: 5, heapTexts: 7 } }
    const scene = new Scene()
    const workers = await scene.up()
    const asked = workers.metrics()
    scene.worker(0).answer('metrics', { connections: 2, bufferedBytes: 9, handshakesWaiting: 1, opened: 4, ...tuning })
    scene.worker(1).answer('metrics', { connections: 3, opened: 3, ...tuning })
    assert.deepEqual((await asked).memoryTuning, { on: 2, freedMemoryKept: 2, youngCollections: 10, heapTexts: 14 })
    scene.worker(0).die()
    const again = workers.metrics()
    scene.worker(1).answer('metrics', { connections: 1, opened: 5, ...tuning })
    const {
      memoryTuning,
      connections,
      opened,
      bufferedBytes,
      handshakesWaiting,
      workerExits,
      workers: each,
    } = await again
    assert.deepEqual([connections, opened, bufferedBytes, handshakesWaiting, workerExits], [1, 9, 0, 0, 1])
    assert.deepEqual(memoryTuning, { on: 1, freedMemoryKept: 1, youngCollections: 10, heapTexts: 14 })
    assert.deepEqual(
      each.map(({ id }) => id),
      [2],
    )
  })

  it('wait two seconds for a stuck worker, ask it once, and use its last report', async () => {
    const scene = new Scene()
    const workers = await scene.up()
    const first = workers.metrics()
    for (const worker of scene.host.workers) worker.answer('metrics', { opened: 1 })
    await first
    const both = [workers.metrics(), workers.metrics()]
    scene.worker(1).answer('metrics', { opened: 2 })
    await turn()
    scene.clock.advance(2000)
    for (const { opened, workers: each } of await Promise.all(both)) {
      assert.equal(opened, 3)
      assert.deepEqual(
        each.map(({ metrics }) => metrics?.opened),
        [undefined, 2],
      )
    }
    assert.deepEqual(scene.worker(0).asked, ['metrics', 'metrics'])
  })
})

describe('serveWorkers: the end', () => {
  it('kills the workers that are left after the time to close, and gives their connections a part of it', async () => {
    const scene = new Scene()
    const workers = await scene.up()
    await assert.rejects(async () => workers.close({ withinMs: -1 }), { code: 'optionInvalid' })
    const closing = workers.close({ withinMs: 1000 })
    for (const worker of scene.host.workers) {
      const [message] = worker.received
      assert.ok(message?.type === 'close')
      assert.equal(message.withinMs, 750)
    }
    scene.worker(0).answer('close')
    await turn()
    scene.worker(0).die({ code: 0 })
    await turn()
    scene.clock.advance(1000)
    assert.deepEqual([scene.worker(0).signals, scene.worker(1).signals], [[], ['kill']])
    scene.worker(1).die({ signal: 'SIGKILL' })
    await closing
  })

  it('kills the workers before close returns, if they have no time', async () => {
    const scene = new Scene()
    const workers = await scene.up()
    void workers.drain({ withinMs: 60_000 })
    void workers.close({ withinMs: 0 })
    for (const worker of scene.host.workers) assert.deepEqual(worker.signals, ['kill'])
  })

  it('is not ready after notReady: each worker learns of it, including one that is started again', async () => {
    const scene = new Scene()
    const workers = await scene.up()
    workers.notReady()
    assert.equal(workers.isReady, false)
    for (const worker of scene.host.workers) assert.deepEqual(worker.received, [{ type: 'notReady' }])
    scene.worker(0).die({ signal: 'SIGKILL' })
    scene.clock.advance(100)
    assert.deepEqual(scene.worker(2).received, [{ type: 'notReady' }])
  })

  it('asks each worker to close and then to end, terminates one that takes a second longer, and then kills it', async () => {
    const scene = new Scene()
    const workers = await scene.up({ killAfterMs: 5000 })
    const closing = workers.close()
    assert.equal(workers.close(), closing)
    assert.equal(workers.isReady, false)
    for (const worker of scene.host.workers) assert.deepEqual(worker.asked, ['close'])
    scene.worker(0).answer('close')
    await turn()
    assert.deepEqual(scene.worker(0).asked, ['close', 'end'])
    scene.worker(0).die({ code: 0 })
    scene.worker(1).answer('close')
    await turn()
    scene.clock.advance(1000)
    assert.deepEqual([scene.worker(0).signals, scene.worker(1).signals], [[], ['terminate']])
    scene.clock.advance(4000)
    assert.deepEqual(scene.worker(1).signals, ['terminate', 'kill'])
    assert.deepEqual(scene.errors, ['worker 2 (process 102) has not ended within 5000 ms, and was killed'])
    scene.worker(1).die({ signal: 'SIGKILL' })
    await closing
    assert.equal(scene.clock.pendingTimers, 0)
    assert.deepEqual(scene.exits, [])
  })

  it('kills a stuck worker, which does not even close', async () => {
    const scene = new Scene()
    const workers = await scene.up({ workers: 1, killAfterMs: 5000 })
    const closing = workers.close()
    scene.clock.advance(5000)
    assert.deepEqual(scene.worker(0).signals, ['kill'])
    scene.worker(0).die({ signal: 'SIGKILL' })
    await closing
  })

  it('keeps the last totals', async () => {
    const scene = new Scene()
    const workers = await scene.up({ workers: 1 })
    const closing = workers.close()
    scene.worker(0).answer('close', { opened: 7 })
    await turn()
    scene.worker(0).die({ code: 0 })
    await closing
    assert.equal((await workers.metrics()).opened, 7)
    assert.equal(workers.broadcast('x'), 0)
  })

  it('drains all workers, and kills those that take killAfterMs longer', async () => {
    const scene = new Scene()
    const workers = await scene.up({ killAfterMs: 5000 })
    let isDrained = false
    const draining = workers.drain({ withinMs: 1000 }).then(() => {
      isDrained = true
    })
    assert.equal(workers.isReady, false)
    for (const worker of scene.host.workers)
      assert.deepEqual(worker.received, [{ type: 'drain', ask: 1, withinMs: 1000 }])
    scene.worker(0).answer('drain')
    await turn()
    scene.clock.advance(6000)
    assert.equal(isDrained, false)
    assert.deepEqual([scene.worker(0).signals, scene.worker(1).signals], [[], ['kill']])
    scene.worker(1).die({ signal: 'SIGKILL' })
    await draining
    await assert.rejects(workers.drain({ withinMs: -1 }), { name: 'UsageError' })
  })
})

describe('serveWorkers: restart', () => {
  it('starts a new worker before an old one drains, one after the other', async () => {
    const scene = new Scene()
    const workers = await scene.up()
    let isDone = false
    const restarting = workers.restart({ withinMs: 10 }).then(() => {
      isDone = true
    })
    for (const nth of [0, 1]) {
      const [old, fresh] = [scene.worker(nth), scene.worker(nth + 2)]
      assert.equal(scene.host.workers.length, nth + 3)
      assert.deepEqual(old.asked, [])
      fresh.listening()
      await turn()
      assert.deepEqual(old.asked, ['drain'])
      old.answer('drain')
      await turn()
      assert.deepEqual(old.asked, ['drain', 'close'])
      old.answer('close')
      await turn()
      assert.equal(isDone, false)
      old.die({ code: 0 })
      await turn()
    }
    await restarting
    assert.deepEqual(scene.exits, [])
    scene.worker(2).die()
    assert.deepEqual(
      scene.exits.map(({ id, restartInMs }) => [id, restartInMs]),
      [[1, 100]],
    )
  })

  it('rejects if a new worker does not listen, and the old ones go on', async () => {
    const scene = new Scene()
    const workers = await scene.up()
    const restarting = workers.restart({ withinMs: 10 })
    scene.worker(2).die({ code: 1 })
    await assert.rejects(restarting, /worker 1 \(process 103\) ended with code 1 before it listened/)
    assert.equal(workers.isReady, true)
    scene.clock.advance(60_000)
    assert.equal(scene.host.workers.length, 3)
    assert.equal(workers.broadcast('x'), 2)
  })

  it('replaces a worker that died meanwhile', async () => {
    const scene = new Scene()
    const workers = await scene.up({ workers: 1 })
    const restarting = workers.restart({ withinMs: 10 })
    scene.worker(0).die()
    scene.worker(1).listening()
    await restarting
    scene.clock.advance(1000)
    assert.equal(scene.host.workers.length, 2)
  })

  it('ends with close', async () => {
    const scene = new Scene()
    const workers = await scene.up({ workers: 1 })
    const rejected = assert.rejects(workers.restart({ withinMs: 10 }), /was stopped before it listened/)
    const closing = workers.close()
    scene.worker(0).answer('close')
    scene.worker(0).die({ code: 0 })
    scene.worker(1).die({ signal: 'SIGTERM' })
    await Promise.all([rejected, closing])
    assert.equal(scene.host.workers.length, 2)
  })
})

describe('serveWorkers: options', () => {
  it('refuses each wrong value, and an unknown option', async () => {
    const wrong: Readonly<Record<keyof Required<WorkersOptions>, unknown>> = {
      workers: 0,
      args: 'a',
      execArgv: [1],
      env: 'a',
      startTimeoutMs: 0,
      killAfterMs: 1.5,
      maxBufferedBytes: -1,
      historyCount: 0,
      historyBytes: 1.5,
      historyAgeMs: 'a',
      historyTotalBytes: 0,
      maxTopics: 0,
      admin: 'a',
      workerExit: 'a',
      error: {},
    }
    for (const [name, value] of Object.entries(wrong)) {
      await assert.rejects(new Scene().start({ [name]: value }), {
        name: 'UsageError',
        message: new RegExp(`^the option ${name} must be `),
      })
    }
    await assert.rejects(new Scene().start({ port: 80 } as object), {
      name: 'UsageError',
      message: /no option "port" of serveWorkers\(\).*are given to serve\(\) in the module/,
    })
  })
})
