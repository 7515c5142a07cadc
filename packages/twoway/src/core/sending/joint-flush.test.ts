import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import { frame, utf8 } from 'twoway-testing/bytes.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import { nodeClock } from '../../runtimes/node/clock.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { FrameWriter } from './frame-writer.js'
import { JointFlush } from './joint-flush.js'
import { ScratchPool } from './scratch-pool.js'

/** A clock that counts deferrals. */
class CountingClock extends FakeClock {
  deferrals = 0

  override defer(callback: () => void): void {
    this.deferrals += 1
    super.defer(callback)
  }
}

function setUp(count: number) {
  const clock = new CountingClock()
  const scratchPool = new ScratchPool(webPayload)
  const ends = Array.from({ length: count }, (_, index) => {
    const transport = new RecordingTransport()
    const end = { transport, flushes: 0, frameWriter: undefined as unknown as FrameWriter }
    const flushed = (): void => {
      end.flushes += 1
      if (index === throwing) throw new Error(`flushed ${index}`)
    }
    end.frameWriter = new FrameWriter(transport, { payload: webPayload, clock, scratchPool }, undefined, { flushed })
    return end
  })
  let throwing = -1
  return {
    clock,
    ends,
    joint: new JointFlush(clock),
    throwAt: (index: number) => {
      throwing = index
    },
  }
}

const whole = frame({ opcode: 1, payload: utf8('to all') })
const own = frame({ opcode: 1, payload: utf8('own') })
const text = 0x81

describe('JointFlush', () => {
  it('flushes all with one deferral, each once, and tells each owner', () => {
    const { clock, ends, joint } = setUp(100)
    for (const { frameWriter } of ends) frameWriter.addFrame(whole, joint)
    assert.equal(clock.deferrals, 1)
    assert.ok(ends.every(({ transport }) => transport.writes.length === 0))
    clock.endTurn()
    for (const { transport, flushes } of ends) {
      assert.deepEqual(transport.writes, [whole])
      assert.equal(flushes, 1)
    }
  })

  it('leaves a connection that flushes itself its own order', () => {
    const { clock, ends, joint } = setUp(3)
    const [before, corked, after] = ends
    before!.frameWriter.addText(text, 'own')
    corked!.frameWriter.cork()
    for (const { frameWriter } of ends) frameWriter.addFrame(whole, joint)
    after!.frameWriter.addText(text, 'own')
    corked!.frameWriter.uncork()
    assert.equal(clock.deferrals, 2)
    assert.deepEqual(corked!.transport.writes, [whole])
    clock.endTurn()
    assert.deepEqual(before!.transport.written, Uint8Array.from([...own, ...whole]))
    assert.deepEqual(after!.transport.written, Uint8Array.from([...whole, ...own]))
    assert.deepEqual([before!.flushes, corked!.flushes, after!.flushes], [1, 0, 1])
  })

  it('flushes the others if one flush throws', () => {
    const { clock, ends, joint, throwAt } = setUp(4)
    throwAt(1)
    for (const { frameWriter } of ends) frameWriter.addFrame(whole, joint)
    assert.throws(() => clock.endTurn(), /flushed 1/)
    clock.endTurn()
    for (const { transport, flushes } of ends) {
      assert.deepEqual(transport.writes, [whole])
      assert.equal(flushes, 1)
    }
  })

  it('leaves late additions to a flush of their own', () => {
    const { clock, ends, joint } = setUp(2)
    ends[0]!.frameWriter.addFrame(whole, joint)
    clock.endTurn()
    ends[1]!.frameWriter.addFrame(whole, joint)
    ends[0]!.frameWriter.addFrame(whole, joint)
    clock.endTurn()
    assert.deepEqual(ends[1]!.transport.writes, [whole])
    assert.deepEqual(ends[0]!.transport.writes, [whole, whole])
    assert.equal(clock.deferrals, 3)
  })

  it('flushes in the asynchronous context of each caller', async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    for (const caller of ['one', 'other']) {
      storage.run(caller, () => {
        const joint = new JointFlush(nodeClock)
        for (let count = 0; count < 2; count += 1) joint.add({ flushDeferred: () => seen.push(storage.getStore()) })
      })
    }
    await new Promise(setImmediate)
    assert.deepEqual(seen, ['one', 'one', 'other', 'other'])
  })
})
