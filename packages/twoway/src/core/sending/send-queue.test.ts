import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, toHex } from 'twoway-testing/bytes.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { serverLimits } from '../limits.js'
import { BufferBudget } from './buffer-budget.js'
import { FrameWriter } from './frame-writer.js'
import { ScratchPool } from './scratch-pool.js'
import { SendQueue } from './send-queue.js'

const limits = { ...serverLimits, highWaterMarkBytes: 100, maxBufferedBytes: 200 }

function setUp(budget?: BufferBudget) {
  const transport = new RecordingTransport()
  transport.start(new RecordingSink())
  const clock = new FakeClock()
  const ports = {
    payload: webPayload,
    clock,
    random: { maskingKey: () => 0, bytes: (length: number) => new Uint8Array(length) },
    scratchPool: new ScratchPool(webPayload),
  }
  const frameWriter = new FrameWriter(transport, ports, undefined, { flushed() {} })
  let settled = 0
  const settle = (): void => {
    settled += 1
  }
  const queue = new SendQueue(frameWriter, undefined, ports, limits, budget, {
    settle,
    flushed() {},
    fail: assert.fail,
  })
  const send = (message: string | Uint8Array) => queue.send(message, undefined)
  return { queue, send, transport, clock, frameWriter, settled: () => settled }
}

const noError = (error: Error): never => {
  throw error
}

describe('SendQueue', () => {
  it("answers 'sent' up to the high-water mark and 'buffered' above it, and owes a drain then", () => {
    const { queue, send } = setUp()
    assert.equal(send(new Uint8Array(98)), 'sent')
    assert.deepEqual([queue.waitingBytes, queue.isAboveMark, queue.owesDrain], [100, false, false])
    assert.equal(send(''), 'buffered')
    assert.deepEqual([queue.waitingBytes, queue.isAboveMark, queue.owesDrain], [102, true, true])
  })

  it('is full above maxBufferedBytes, not at it', () => {
    const { send, queue } = setUp()
    send(new Uint8Array(194))
    send('')
    assert.deepEqual([queue.waitingBytes, queue.isFull], [200, false])
    send('')
    assert.equal(queue.isFull, true)
  })

  it('keeps its promise of a drain once, at the high-water mark', () => {
    const { queue, send, frameWriter, transport } = setUp()
    assert.equal(queue.takeDrain(), false)
    send(new Uint8Array(150))
    transport.pendingBytes = 101
    frameWriter.flush()
    assert.equal(queue.takeDrain(), false)
    transport.pendingBytes = 100
    assert.equal(queue.takeDrain(), true)
    assert.equal(queue.takeDrain(), false)
    queue.askForDrain()
    assert.equal(queue.takeDrain(), true)
  })

  it('counts in the budget while more than the high-water mark waits, and is full above the mark if the budget is exceeded', () => {
    const budget = new BufferBudget(120)
    const [one, other] = [setUp(budget), setUp(budget)]
    one.send(new Uint8Array(98))
    assert.equal(budget.used, 0)
    one.send('a')
    assert.equal(budget.used, 103)
    other.send(new Uint8Array(107))
    assert.equal(budget.used, 103 + 109)
    assert.deepEqual([one.queue.isFull, other.queue.isFull], [true, true])
    other.queue.release()
    assert.equal(budget.used, 103)
    assert.equal(one.queue.isFull, false)
    one.frameWriter.flush()
    one.queue.takeDrain()
    assert.equal(budget.used, 0)
  })

  it('keeps messages in order behind a message in pieces, and settles when that ends', () => {
    const { queue, send, transport, clock, frameWriter, settled } = setUp()
    const message = queue.sendInPieces({ type: 'text' }, noError)
    assert.equal(queue.isStreaming, true)
    message.write('a')
    const bytes = Uint8Array.of(1, 2)
    assert.equal(send(bytes), 'sent')
    bytes.fill(9)
    send('é')
    assert.equal(queue.waitingBytes, 1 + 2 + 2)
    message.end()
    assert.equal(queue.isStreaming, false)
    frameWriter.flush()
    const frames = [frame({ opcode: 1, payload: 'a' }), frame({ opcode: 2, payload: Uint8Array.of(1, 2) })]
    assert.equal(toHex(transport.written), toHex(concat(...frames, frame({ opcode: 1, payload: 'é' }))))
    assert.equal(settled(), 0)
    clock.runTasks()
    assert.equal(settled(), 1)
  })

  it('runs actions once the last message in pieces has ended or was dropped', () => {
    const { queue } = setUp()
    const log: string[] = []
    queue.afterStreams(() => log.push('none'))
    const [first, second] = ['binary', 'binary'].map(() => queue.sendInPieces({ type: 'binary' }, () => {}))
    queue.afterStreams(() => log.push('both'))
    first!.end()
    assert.deepEqual(log, ['none'])
    second!.end()
    assert.deepEqual(log, ['none', 'both'])
    queue.sendInPieces({ type: 'binary' }, () => {})
    queue.afterStreams(() => log.push('closed'))
    queue.abandon(queue.stop())
    assert.deepEqual(log, ['none', 'both', 'closed'])
  })

  it('tells the writer of a message in pieces that it was dropped', () => {
    const { queue, send } = setUp()
    const errors: string[] = []
    queue.sendInPieces({ type: 'text' }, (error) => errors.push(error.message))
    send('never')
    queue.sendInPieces({ type: 'text' }, (error) => errors.push(error.message))
    queue.abandon(queue.stop())
    assert.deepEqual(errors, Array(2).fill('the connection closed before the message was sent'))
    assert.deepEqual([queue.waitingBytes, queue.isStreaming], [0, false])
  })

  it('sends one Close, §5.5.1, and ends the transport behind it', () => {
    const { queue, send, transport } = setUp()
    send('before')
    assert.equal(queue.hasClosed, false)
    queue.close(Uint8Array.of(3, 232))
    queue.close(Uint8Array.of(3, 233))
    queue.end()
    assert.equal(queue.hasClosed, true)
    const frameWriter = [frame({ opcode: 1, payload: 'before' }), frame({ opcode: 8, payload: Uint8Array.of(3, 232) })]
    assert.equal(toHex(transport.written), toHex(concat(...frameWriter)))
    assert.deepEqual(transport.calls, ['write', 'end'])
  })

  it('drops a waiting Close when it is cancelled, so that another can be sent', () => {
    const { queue, frameWriter, transport } = setUp()
    queue.sendLater(5)
    queue.close(Uint8Array.of(3, 232))
    queue.cancel()
    assert.deepEqual([queue.hasClosed, queue.waitingBytes], [false, 0])
    queue.close(Uint8Array.of(3, 243))
    frameWriter.flush()
    assert.equal(toHex(transport.written), toHex(frame({ opcode: 8, payload: Uint8Array.of(3, 243) })))
  })

  it('keeps the order while bytes are still read, and ignores them once it was stopped', () => {
    const { queue, send, frameWriter, transport } = setUp()
    const [first, second] = [queue.sendLater(2), queue.sendLater(3)]
    send('behind')
    second(Uint8Array.of(3, 4, 5))
    assert.equal(queue.waitingBytes, 2 + 3 + 6)
    first(Uint8Array.of(1, 2))
    const late = queue.sendLater(7)
    send('dropped')
    assert.deepEqual(queue.stop(), [])
    late(new Uint8Array(7))
    frameWriter.flush()
    const binary = [Uint8Array.of(1, 2), Uint8Array.of(3, 4, 5)].map((payload) => frame({ opcode: 2, payload }))
    assert.equal(toHex(transport.written), toHex(concat(...binary, frame({ opcode: 1, payload: 'behind' }))))
    assert.equal(queue.waitingBytes, 0)
  })
})
