/**
 * The heap of a connection. The tests have a file, and so a process, of their own: V8 sizes the objects of a class by its
 * first instances, and other tests make instances of the same classes in their own ways.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { frame, fromHex } from 'twoway-testing/bytes.js'
import { CountingTransport } from 'twoway-testing/harnesses/counting-transport.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { createNodeDeflateCodec } from '../runtimes/node/deflate/deflate-codec.js'
import { nodePayload } from '../runtimes/node/payload/payload.js'
import { Connection, usualConduct } from './connection.js'
import type { ConnectionOptions } from './connection-types.js'
import type { Extension } from './extensions/extension.js'
import { DeflateNegotiator } from './extensions/permessage-deflate/deflate-negotiator.js'
import { settleDeflate } from './extensions/permessage-deflate/deflate-options.js'
import { serverLimits } from './limits.js'
import { Opcode } from './opcode.js'
import { ScratchPool } from './sending/scratch-pool.js'

const gc = globalThis.gc
assert.ok(gc !== undefined, 'run with --expose-gc')

/** Enough connections to outweigh code that the collector drops meanwhile. */
const count = 10_000

/** The least memory of a connection that has echoed a message, in several attempts. */
function heldAfter(bytes: Uint8Array, atMost: number, extension?: () => Extension): number {
  let connection: Connection<undefined> | undefined
  const options: ConnectionOptions<undefined> = {
    role: 'server',
    transport: new CountingTransport(),
    ports: {
      payload: nodePayload,
      clock: new FakeClock(),
      random: { maskingKey: () => 0x3d21fa37, bytes: (length) => new Uint8Array(length) },
      scratchPool: new ScratchPool(nodePayload),
    },
    limits: serverLimits,
    conduct: { ...usualConduct, whenBufferFull: 'close' },
    owner: undefined,
    events: {
      message: (_, message) => connection!.send(message),
      drain() {},
      error: (_, error) => assert.fail(error),
      closed() {},
    },
  }
  const connect = (): Connection<undefined> => {
    connection = new Connection({ ...options, extension: extension?.() })
    // Unmasking is done in place.
    connection.received(bytes.slice(), 0, bytes.length)
    return connection
  }

  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 20 && least > atMost; round++) {
    const held = new Array<Connection<undefined> | undefined>(count).fill(undefined)
    gc!()
    const before = process.memoryUsage().heapUsed
    for (let index = 0; index < count; index++) held[index] = connect()
    gc!()
    gc!()
    least = Math.min(least, (process.memoryUsage().heapUsed - before) / count)
    assert.equal(held.length, count)
  }
  return least
}

describe('the heap of a connection', () => {
  it('takes at most 530 bytes after an echoed message', () => {
    const hello = frame({ opcode: Opcode.text, payload: new Uint8Array(20).fill(0x61), masked: true })
    const bytes = heldAfter(hello, 530)
    assert.ok(bytes <= 530, `${bytes}`)
  })

  it('takes at most 660 bytes after an echoed compressed message, without context takeover', () => {
    const settings = settleDeflate({ thresholdBytes: 0 }, 'server')
    const negotiator = new DeflateNegotiator(settings, {
      codec: createNodeDeflateCodec(true),
      scratchPool: new ScratchPool(nodePayload),
      clock: new FakeClock(),
    })
    const offer = { name: 'permessage-deflate', parameters: [] }
    const hello = frame({
      opcode: Opcode.text,
      payload: fromHex('f248cdc9c9d751f020950200'),
      reservedBits: 4,
      masked: true,
    })
    const bytes = heldAfter(hello, 660, () => negotiator.accept(offer)!.extension)
    assert.ok(bytes <= 660, `${bytes}`)
  })
})
