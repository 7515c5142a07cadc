/**
 * The cost of a message independent of the machine: calls of the transport, bytes copied, bytes allocated. The limits
 * are a little above the measured values, so that a test fails when a message gets more expensive.
 */

import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { concat, frame } from 'twoway-testing/bytes.js'
import { CountingPayload } from 'twoway-testing/harnesses/counting-payload.js'
import { CountingTransport } from 'twoway-testing/harnesses/counting-transport.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import type { Payload } from '../ports/payload.js'
import type { Transport } from '../ports/transport.js'
import { nodePayload } from '../runtimes/node/payload/payload.js'
import { sharedMemory } from '../runtimes/node/payload/shared-memory.js'
import { StreamTransport } from '../runtimes/node/transport/stream-transport.js'
import { Connection, usualConduct } from './connection.js'
import type { ConnectionOptions } from './connection-types.js'
import { serverLimits } from './limits.js'
import { Opcode } from './opcode.js'
import { ScratchPool } from './sending/scratch-pool.js'

const gc = globalThis.gc
assert.ok(gc !== undefined, 'run with --expose-gc')

const kib = 1 << 10
const mib = 1 << 20

interface Setup {
  readonly transport?: Transport
  readonly payload?: Payload
  readonly role?: 'client' | 'server'
  readonly echoes?: boolean
}

/** A connection that echoes, or drops what it receives. */
class Endpoint {
  readonly clock = new FakeClock()
  readonly options: ConnectionOptions<undefined>
  readonly connection: Connection<undefined>
  messages = 0

  constructor({ transport = new CountingTransport(), payload = nodePayload, role = 'server', echoes = true }: Setup) {
    this.options = {
      role,
      transport,
      ports: {
        payload,
        clock: this.clock,
        random: { maskingKey: () => 0x3d21fa37, bytes: (length) => new Uint8Array(length) },
        scratchPool: new ScratchPool(payload),
      },
      // The fake network takes nothing, so all input of a test may wait.
      limits: { ...serverLimits, highWaterMarkBytes: 64 * mib },
      conduct: { ...usualConduct, whenBufferFull: 'close' },
      owner: undefined,
      events: {
        message: (_, message) => {
          this.messages++
          if (echoes) this.connection.send(message)
        },
        drain() {},
        error: (_, error) => assert.fail(error),
        closed() {},
      },
    }
    this.connection = new Connection(this.options)
    transport.start(this.connection)
  }

  /** Delivers bytes in reads of a given length; the last may be shorter. */
  receive(bytes: Uint8Array, readBytes = bytes.length): void {
    for (let at = 0; at < bytes.length; at += readBytes) {
      this.connection.received(bytes, at, Math.min(bytes.length, at + readBytes))
    }
  }
}

/** A message from a client. */
function message(length: number, text = false, fragments = 1): Uint8Array {
  const payload = new Uint8Array(length / fragments).fill(0x61)
  return concat(
    ...Array.from({ length: fragments }, (_, index) => {
      const first = text ? Opcode.text : Opcode.binary
      return frame({
        opcode: index === 0 ? first : Opcode.continuation,
        fin: index === fragments - 1,
        payload,
        masked: true,
      })
    }),
  )
}

function repeat(bytes: Uint8Array, times: number): Uint8Array {
  return concat(...Array.from({ length: times }, () => bytes))
}

describe('writes', () => {
  for (const [name, length, text] of [
    ['20 B binary', 20, false],
    ['20 B text', 20, true],
    ['900 B binary', 900, false],
  ] as const) {
    it(`16 messages of ${name} in one read are echoed in one write`, () => {
      const transport = new CountingTransport()
      const endpoint = new Endpoint({ transport })
      endpoint.receive(repeat(message(length, text), 16))
      assert.equal(endpoint.messages, 16)
      assert.equal(transport.writes, 1)
    })
  }

  it('frames sent outside of a read go out in one write at the end of the turn', () => {
    const transport = new CountingTransport()
    const { connection, clock } = new Endpoint({ transport })
    for (let count = 0; count < 16; count++) connection.send('x')
    assert.equal(transport.writes, 0)
    clock.endTurn()
    assert.equal(transport.writes, 1)
  })

  it('a long message is one write, header and payload', () => {
    for (const length of [64 * kib, mib]) {
      const transport = new CountingTransport()
      new Endpoint({ transport }).receive(message(length))
      assert.equal(transport.writes, 1)
      assert.equal(transport.writtenBytes, length + (length < 64 * kib ? 4 : 10))
    }
  })

  it('the stream gets one call for 16 messages, and one for a long message', async () => {
    for (const bytes of [repeat(message(20), 16), message(64 * kib)]) {
      let calls = 0
      const stream = new Duplex({
        read() {},
        write(_chunk, _encoding, done) {
          calls++
          done()
        },
        writev(_chunks, done) {
          calls++
          done()
        },
      })
      const endpoint = new Endpoint({ transport: new StreamTransport(stream) })
      stream.push(bytes)
      await new Promise((resolve) => setImmediate(resolve))
      assert.ok(endpoint.messages > 0)
      assert.equal(calls, 1)
    }
  })
})

describe('bytes copied per byte of payload for an echo', () => {
  interface Copies {
    readonly name: string
    readonly bytes: Uint8Array
    readonly readBytes?: number
    readonly atMost: number
  }
  const rows: readonly Copies[] = [
    // From the read buffer to the output buffer.
    { name: '1 KiB binary', bytes: message(kib), atMost: 2 },
    { name: '1 KiB text', bytes: message(kib, true), atMost: 2 },
    // From the read buffer only: a long payload is written from its own buffer.
    { name: '64 KiB binary', bytes: message(64 * kib), atMost: 1 },
    { name: '1 MiB binary in reads of 64 KiB', bytes: message(mib), readBytes: 64 * kib, atMost: 1 },
    // Gathered, decoded, encoded.
    { name: '1 MiB text in reads of 64 KiB', bytes: message(mib, true), readBytes: 64 * kib, atMost: 3 },
    // Gathered in a pool chunk, and copied to a buffer of exact size.
    { name: '16 KiB binary in 16 fragments', bytes: message(16 * kib, false, 16), atMost: 2 },
  ]
  for (const { name, bytes, readBytes, atMost } of rows) {
    it(`${name}: at most ${atMost}`, () => {
      const payload = new CountingPayload(nodePayload)
      const transport = new CountingTransport()
      const endpoint = new Endpoint({ payload, transport })
      endpoint.receive(bytes, readBytes)
      assert.equal(endpoint.messages, 1)
      const share = payload.copied / transport.writtenBytes
      assert.ok(share <= atMost, `${share}`)
      assert.ok(share > 0)
    })
  }

  it('a client masks while it copies: 1', () => {
    const payload = new CountingPayload(nodePayload)
    const { connection } = new Endpoint({ payload, role: 'client' })
    for (const sent of [new Uint8Array(kib), 'x'.repeat(kib), new Uint8Array(64 * kib)]) {
      payload.copied = 0
      connection.send(sent)
      assert.equal(payload.copied, sent.length)
    }
  })
})

describe('bytes allocated on the heap', () => {
  /**
   * The smallest allocation of a call, as the compiler and the collector sometimes allocate too. Repeats until it is
   * below the limit, or for long: on a busy machine the compiler needs time. Collects the young generation alone: a row of
   * full collections can keep V8 from compiling for ever.
   */
  function allocatedBy(run: () => void, atMost: number): number {
    let least = Number.POSITIVE_INFINITY
    for (let warmUp = 0; warmUp < 30; warmUp++) run()
    for (let round = 0; round < 200 && least > atMost; round++) {
      gc!({ type: 'minor' })
      const before = process.memoryUsage().heapUsed
      run()
      least = Math.min(least, process.memoryUsage().heapUsed - before)
    }
    return least
  }

  interface Heap {
    readonly name: string
    readonly bytes: Uint8Array
    /** The part of `bytes` that is counted. */
    readonly count: number
    readonly echoes?: boolean
    readonly atMost: number
  }
  const rows: readonly Heap[] = [
    // A Buffer with its store takes 225 to 240 bytes, and from 1 KiB on up to 390 on Node 26; 64 KiB arrive in two
    // reads.
    { name: 'a message of 20 B binary', bytes: repeat(message(20), 500), count: 500, atMost: 300 },
    { name: 'a message of 1 KiB binary', bytes: repeat(message(kib), 200), count: 200, atMost: 450 },
    { name: 'a message of 64 KiB binary', bytes: repeat(message(64 * kib), 32), count: 32, atMost: 700 },
    { name: 'a message of 20 B text', bytes: repeat(message(20, true), 500), count: 500, atMost: 50 },
    { name: 'a message of 1 KiB text', bytes: repeat(message(kib, true), 200), count: 200, atMost: kib + 120 },
    { name: 'an echo of 20 B binary', bytes: repeat(message(20), 500), count: 500, echoes: true, atMost: 300 },
    { name: 'an echo of 20 B text', bytes: repeat(message(20, true), 500), count: 500, echoes: true, atMost: 50 },
    { name: 'a frame of a fragmented message', bytes: message(8000, false, 8000), count: 8000, atMost: 20 },
    {
      name: 'a Pong that nobody waits for',
      bytes: repeat(frame({ opcode: Opcode.pong, masked: true }), 500),
      count: 500,
      atMost: 2,
    },
  ]
  for (const { name, bytes, count, echoes = false, atMost } of rows) {
    it(`${name}: at most ${atMost}`, () => {
      const endpoint = new Endpoint({ echoes })
      const { bytes: memory } = sharedMemory
      const reads: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += 64 * kib) reads.push(bytes.subarray(at, at + 64 * kib))
      const each =
        allocatedBy(() => {
          // The memory that sockets read into. Other memory is unmasked through it, which takes two views.
          for (const read of reads) {
            memory.set(read)
            endpoint.connection.received(memory, 0, read.length)
          }
          // The frames of one connection's turn.
          endpoint.clock.runTasks()
        }, atMost * count) / count
      assert.ok(each <= atMost, `${each}`)
    })
  }
})
