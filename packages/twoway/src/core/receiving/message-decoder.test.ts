import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { utf8 } from 'twoway-testing/bytes.js'
import type { Decoded, DecodedSink, DecodeResult } from '../../ports/deflate-codec.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { ProtocolError } from '../errors.js'
import type { Extension } from '../extensions/extension.js'
import { Opcode } from '../opcode.js'
import { ScratchPool } from '../sending/scratch-pool.js'
import { MessageAssembler } from './message-assembler.js'
import { MessageDecoder } from './message-decoder.js'

/** Doubles each byte; asynchronous results wait for `finish`. */
class Doubling implements Extension {
  readonly name = 'x-double'
  readonly messageBits = 4
  readonly heldBytes = 0
  readonly encodesPieces = false
  isLater = false
  finish: Decoded = () => {}

  wants(): boolean {
    return false
  }

  encode(): undefined {}

  decode(bytes: Uint8Array, start: number, end: number, last: boolean, emit: DecodedSink, done: Decoded): DecodeResult {
    const doubled = Uint8Array.from([...bytes.subarray(start, end)].flatMap((byte) => [byte, byte]))
    const run = (): void => emit(doubled, 0, doubled.length, last)
    if (!this.isLater) {
      run()
      return 'done'
    }
    this.finish = (error) => {
      if (error === undefined) run()
      done(error)
    }
    return 'later'
  }

  stopDecoding(): void {}
  close(): void {}
}

function setUp() {
  const extension = new Doubling()
  const sink = new MessageAssembler(new ScratchPool(webPayload), 1000)
  const log: string[] = []
  const decoder = new MessageDecoder(extension, sink, {
    progressed() {},
    decodingFailed: (error) => log.push(`failed ${error.code}`),
    decoded: (message) => log.push(`decoded ${message}`),
  })
  sink.beginFrame(Opcode.text, true, undefined)
  const decode = (text: string, last: boolean) => decoder.decode(utf8(text), 0, text.length, last)
  return { extension, sink, decoder, decode, log }
}

describe('MessageDecoder', () => {
  it('returns the message with its last piece, and counts decoded bytes', () => {
    const { decoder, decode, log } = setUp()
    assert.equal(decode('ab', false), undefined)
    assert.equal(decode('c', true), 'aabbcc')
    assert.equal(decoder.decodedBytes, 6)
    assert.equal(decoder.isBusy, false)
    assert.deepEqual(log, [])
  })

  it('reports asynchronous decoding, with the message if it is complete', () => {
    const { extension, sink, decoder, decode, log } = setUp()
    extension.isLater = true
    assert.equal(decode('a', false), undefined)
    assert.equal(decoder.isBusy, true)
    extension.finish()
    assert.equal(decoder.isBusy, false)
    assert.ok(sink.heldBytes <= 1000, 'no chunk of the pool is held')
    decode('b', true)
    extension.finish()
    assert.deepEqual(log, ['decoded undefined', 'decoded aabb'])
  })

  it('reports a rule broken during asynchronous decoding, and rethrows other errors', () => {
    const { extension, decode, log } = setUp()
    extension.isLater = true
    decode('a', false)
    extension.finish(new ProtocolError('messageTooBig'))
    assert.deepEqual(log, ['failed messageTooBig'])
    decode('a', false)
    assert.throws(() => extension.finish(new RangeError('ours')), RangeError)
  })
})
