import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FaultServer } from './fault-server-process.js'
import { fewDescriptors, runRandomFaults, shortTimes } from './random-faults.js'
import { runSteadyLoad } from './steady-load.js'

/** Short forms of `npm run soak`, which also measures times and memory. Their times only keep them from hanging. */
describe('a server under load', { concurrency: 2 }, () => {
  it('keeps 200 idle and 50 active connections, and frees their descriptors afterwards', async (test) => {
    const server = await FaultServer.start()
    test.after(() => server.kill())
    const report = await runSteadyLoad({ server, idle: 200, active: 50, forMs: 3000, everyMs: 500 })
    assert.deepEqual(report.complaints, [])
    assert.equal(report.samples.at(-1)?.connections, 250)
    assert.ok(report.echoes > 50)
    assert.equal(server.process.errors, '')
  })

  it('survives 80 random faults', async (test) => {
    const server = await FaultServer.start(shortTimes, { descriptors: fewDescriptors })
    test.after(() => server.kill())
    const report = await runRandomFaults({ server, count: 80, seed: 6455, atOnce: 12, recoversWithinMs: 30_000 })
    assert.deepEqual(report.complaints, [])
    assert.ok(report.kinds.size > 10)
  })
})
