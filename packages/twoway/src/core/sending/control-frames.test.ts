import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, toHex } from 'twoway-testing/bytes.js'
import { inEveryCut } from 'twoway-testing/cuts.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { UsageError } from '../errors.js'
import { Opcode } from '../opcode.js'
import { FrameParser } from '../receiving/frame-parser.js'
import { ControlFrames, checkControlPayload, sendControl } from './control-frames.js'
import { FrameWriter } from './frame-writer.js'
import { ScratchPool } from './scratch-pool.js'

const highWaterMarkBytes = 100

function setUp() {
  const transport = new RecordingTransport()
  transport.start(new RecordingSink())
  const ports = { payload: webPayload, clock: new FakeClock(), scratchPool: new ScratchPool(webPayload) }
  const frameWriter = new FrameWriter(transport, ports, undefined, { flushed() {} })
  const control = new ControlFrames(frameWriter, webPayload, highWaterMarkBytes)
  const written = (): string => {
    frameWriter.flush()
    return toHex(transport.written)
  }
  return { control, frameWriter, transport, written }
}

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index)
const answer = (control: ControlFrames, payload: Uint8Array): void => control.answerPing(payload, 0, payload.length)
const pong = (payload: Uint8Array): Uint8Array => frame({ opcode: Opcode.pong, payload })

describe('ControlFrames', () => {
  for (const length of [0, 1, 124, 125]) {
    it(`gathers a payload of ${length} bytes however it is split, and the next frame, §5.5`, () => {
      const ping = frame({ opcode: Opcode.ping, payload: bytes(length), masked: true })
      const close = frame({ opcode: Opcode.close, payload: bytes(2), masked: true })
      inEveryCut(concat(ping, close), (feed) => {
        const { control } = setUp()
        const parser = new FrameParser('server', webPayload)
        const gathered: string[] = []
        feed((piece) => {
          for (let at = 0; at < piece.length && parser.read(piece, at, piece.length); at = parser.end) {
            const payload = control.gather(piece, parser)
            if (payload !== undefined) gathered.push(`${parser.opcode} ${toHex(payload)}`)
          }
        })
        assert.deepEqual(gathered, [`9 ${toHex(bytes(length))}`, `8 ${toHex(bytes(2))}`])
      })
    })
  }

  it('frames a Ping, §5.5.2', () => {
    const { frameWriter, written } = setUp()
    sendControl(frameWriter, Opcode.ping, bytes(3))
    assert.equal(written(), '8903000102')
  })

  it('accepts a Ping of 125 bytes and refuses one of 126, §5.5', () => {
    for (const length of [0, 124, 125]) checkControlPayload(bytes(length))
    assert.throws(
      () => checkControlPayload(bytes(126)),
      (error) => error instanceof UsageError && error.code === 'controlPayloadTooLong' && /126/.test(error.message),
    )
  })

  it('answers a Ping with its payload, §5.5.3', () => {
    const { control, written } = setUp()
    answer(control, bytes(5))
    assert.equal(written(), toHex(pong(bytes(5))))
  })

  it('answers only the latest Ping after the network lagged, §5.5.3', () => {
    const { control, transport, written } = setUp()
    transport.pendingBytes = highWaterMarkBytes + 1
    for (const length of [1, 2, 3]) answer(control, bytes(length))
    assert.equal(written(), '')
    control.sendWaitingPong()
    control.sendWaitingPong()
    assert.equal(written(), toHex(pong(bytes(3))))
  })

  it('answers at once at the high-water mark, and forgets the Ping before, §5.5.3', () => {
    const { control, transport, written } = setUp()
    transport.pendingBytes = highWaterMarkBytes + 1
    answer(control, bytes(1))
    transport.pendingBytes = highWaterMarkBytes
    answer(control, bytes(2))
    control.sendWaitingPong()
    assert.equal(written(), toHex(pong(bytes(2))))
  })

  it('copies a payload that it answers later', () => {
    const { control, transport, written } = setUp()
    transport.pendingBytes = highWaterMarkBytes + 1
    const payload = bytes(4)
    answer(control, payload)
    payload.fill(0xff)
    control.sendWaitingPong()
    assert.equal(written(), toHex(pong(bytes(4))))
  })
})
