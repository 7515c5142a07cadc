/** Imports the library's parts by their path, as subjects.ts does. */

import { setTimeout } from 'node:timers/promises'
import { ScratchPool } from '../../../packages/twoway/dist/core/sending/scratch-pool.js'
import { nodeClock } from '../../../packages/twoway/dist/runtimes/node/clock.js'
import { nodeDeflateCodec } from '../../../packages/twoway/dist/runtimes/node/deflate/deflate-codec.js'
import { nodeDiagnostics } from '../../../packages/twoway/dist/runtimes/node/diagnostics.js'
import { nodePayload } from '../../../packages/twoway/dist/runtimes/node/payload/payload.js'
import { sharedMemory } from '../../../packages/twoway/dist/runtimes/node/payload/shared-memory.js'
import { nodeRandom } from '../../../packages/twoway/dist/runtimes/node/random.js'
import { startServer } from '../../../packages/twoway/dist/server/listening-server.js'
import type { Content } from '../load/load.js'
import { messageOf, payloadOf } from '../load/wire.js'

const rounds = 5
const runsARound = 10_000

/** The work of a server for one read, from the bytes received to the bytes of its answer. */
export interface EchoTurn {
  run(): void
}

/** A sink with the shape of a connection. */
interface Sink {
  received(bytes: Uint8Array, start: number, end: number): void
}

/**
 * A turn of an echo server with its defaults over a transport that takes everything at once: the whole cost of a message
 * except system calls and Node. It shows our own share of a row.
 */
export async function startEchoTurn(content: Content, bytes: number, messages: number): Promise<EchoTurn> {
  let sink: Sink | undefined
  let writtenBytes = 0
  const transport = {
    pendingBytes: 0,
    peer: { address: '127.0.0.1', port: 1, encrypted: false },
    start(started: Sink) {
      sink = started
    },
    write(first: Uint8Array, second?: Uint8Array) {
      writtenBytes += first.length + (second?.length ?? 0)
    },
    pause() {},
    resume() {},
    end() {},
    destroy() {},
  }
  const ports = {
    payload: nodePayload,
    random: nodeRandom,
    clock: nodeClock,
    diagnostics: nodeDiagnostics,
    deflateCodec: nodeDeflateCodec,
    scratchPool: new ScratchPool(nodePayload),
    report: (error: unknown) => {
      throw error
    },
  }
  const options = {
    message: (socket: { send(message: string | Uint8Array): unknown }, message: string | Uint8Array) => {
      socket.send(message)
    },
  }
  await startServer(options, {
    ...ports,
    httpHost: {
      async listen(_, handler) {
        handler.upgrade(handshake, transport)
        const address = { port: 1, address: '127.0.0.1', socketPath: undefined, encrypted: false }
        return { ...address, leave: async () => {}, close: async () => {} }
      },
    },
  })
  const message = messageOf(content, payloadOf(content, bytes), { masked: true })
  const read = Buffer.concat(new Array<Buffer>(messages).fill(message))
  function run(): void {
    // The server unmasks in place, so the masked bytes are copied in again for each run.
    sharedMemory.bytes.set(read)
    sink!.received(sharedMemory.bytes, 0, read.length)
  }
  // V8 compiles this much code in steps on another thread; afterwards it stays compiled.
  writtenBytes = 0
  for (let round = 0; round < rounds; round += 1) {
    for (let left = runsARound; left > 0; left -= 1) run()
    await setTimeout(20)
  }
  const echoBytes = messageOf(content, payloadOf(content, bytes)).length
  if (writtenBytes !== rounds * runsARound * messages * echoBytes) throw new Error('the server did not echo all')
  return { run }
}

const handshake = {
  method: 'GET',
  target: '/',
  version: '1.1',
  fields: [
    ...['Host', '127.0.0.1:1', 'Upgrade', 'websocket', 'Connection', 'Upgrade'],
    ...['Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ],
}
