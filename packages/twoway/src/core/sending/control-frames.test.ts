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
import { ControlFrames } from './control-frames.js'
import { Outbox } from './outbox.js'
import { ScratchPool } from './scratch-pool.js'

const highWaterMarkBytes = 100

function setUp() {
  const transport = new RecordingTransport()
  transport.start(new RecordingSink())
  const ports = { payload: webPayload, clock: new FakeClock(), scratchPool: new ScratchPool(webPayload) }
  const outbox = new Outbox(transport, ports, undefined, { flushed() {} })
  const control = new ControlFrames(outbox, webPayload, highWaterMarkBytes)
  const written = (): string => {
    outbox.flush()
    return toHex(transport.written)
  }
  return { control, transport, written }
}

const octets = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index)
const answer = (control: ControlFrames, payload: Uint8Array): void => control.answerPing(payload, 0, payload.length)
const pong = (payload: Uint8Array): Uint8Array => frame({ opcode: Opcode.pong, payload })

describe('ControlFrames', () => {
  for (const length of [0, 1, 124, 125]) {
    it(`gathers a payload of ${length} octets in every cut, and the next after it, §5.5`, () => {
      const ping = frame({ opcode: Opcode.ping, payload: octets(length), masked: true })
      const close = frame({ opcode: Opcode.close, payload: octets(2), masked: true })
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
        assert.deepEqual(gathered, [`9 ${toHex(octets(length))}`, `8 ${toHex(octets(2))}`])
      })
    })
  }

  it('frames a Ping, §5.5.2', () => {
    const { control, written } = setUp()
    control.sendPing(octets(3))
    assert.equal(written(), '8903000102')
  })

  it('takes a ping of 125 octets, and refuses one more, §5.5', () => {
    const { control } = setUp()
    for (const length of [0, 124, 125]) control.checkPing(octets(length))
    assert.throws(
      () => control.checkPing(octets(126)),
      (error) => error instanceof UsageError && error.code === 'controlPayloadTooLong' && /126/.test(error.message),
    )
  })

  it('answers a Ping with its payload, §5.5.3', () => {
    const { control, written } = setUp()
    answer(control, octets(5))
    assert.equal(written(), toHex(pong(octets(5))))
  })

  it('answers the latest Ping alone where the network does not keep up, and that when it does, §5.5.3', () => {
    const { control, transport, written } = setUp()
    transport.pendingBytes = highWaterMarkBytes + 1
    for (const length of [1, 2, 3]) answer(control, octets(length))
    assert.equal(written(), '')
    control.sendWaitingPong()
    control.sendWaitingPong()
    assert.equal(written(), toHex(pong(octets(3))))
  })

  it('answers at once at the high-water mark, and forgets the Ping before, §5.5.3', () => {
    const { control, transport, written } = setUp()
    transport.pendingBytes = highWaterMarkBytes + 1
    answer(control, octets(1))
    transport.pendingBytes = highWaterMarkBytes
    answer(control, octets(2))
    control.sendWaitingPong()
    assert.equal(written(), toHex(pong(octets(2))))
  })

  it('keeps a copy of what it answers later', () => {
    const { control, transport, written } = setUp()
    transport.pendingBytes = highWaterMarkBytes + 1
    const payload = octets(4)
    answer(control, payload)
    payload.fill(0xff)
    control.sendWaitingPong()
    assert.equal(written(), toHex(pong(octets(4))))
  })
})
