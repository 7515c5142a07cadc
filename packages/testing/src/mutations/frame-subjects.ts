import { violations } from '../../../twoway/dist/core/errors.js'
import type { Extension } from '../../../twoway/dist/core/extensions/extension.js'
import { ScratchPool } from '../../../twoway/dist/core/sending/scratch-pool.js'
import { webPayload } from '../../../twoway/dist/runtimes/web/payload.js'
import { concat, frame, fromHex } from '../bytes.js'
import { ConnectionHarness } from '../harnesses/connection-harness.js'
import type { Draws } from './draws.js'
import { mutate } from './mutate.js'
import type { Subject } from './subject.js'

const maxMessageBytes = 300
const mostHeldBytes = 2 * maxMessageBytes + 1024

type Parts = Parameters<typeof frame>[0]

/** Valid frames, and the boundaries of the forms of a length. */
const conversations: readonly (readonly Parts[])[] = [
  [{ opcode: 1, payload: 'Hello WebSockets!' }],
  [{ opcode: 1, payload: 'κόσμε 水 😀 é' }],
  [{ opcode: 1 }],
  [{ opcode: 2 }],
  ...[1, 124, 125, 126, 127, 299, 300, 301].map((length) => [
    { opcode: 2, payload: new Uint8Array(length).fill(0x61) },
  ]),
  [{ opcode: 2, payload: 'a', lengthBits: 16 }],
  [{ opcode: 2, payload: 'a', lengthBits: 64 }],
  [
    { fin: false, opcode: 1, payload: 'κό' },
    { fin: false, opcode: 0, payload: '' },
    { opcode: 9, payload: 'between' },
    { opcode: 0, payload: 'σμε' },
  ],
  [
    { fin: false, opcode: 2, payload: new Uint8Array(150) },
    { opcode: 0, payload: new Uint8Array(150) },
  ],
  [{ opcode: 9, payload: 'ping' }],
  [{ opcode: 9, payload: new Uint8Array(125) }],
  [{ opcode: 10, payload: 'pong' }],
  [{ opcode: 8 }],
  [{ opcode: 8, payload: fromHex('03e8') }],
  [{ opcode: 8, payload: concat(fromHex('0bb8'), new TextEncoder().encode('bye 水')) }],
]

function streamsOf(role: 'client' | 'server'): readonly Uint8Array[] {
  const masked = role === 'server'
  return conversations.map((frames) => concat(...frames.map((parts) => frame({ ...parts, masked }))))
}

/** A subject: a connection in this role that echoes. */
function framesFor(role: 'client' | 'server'): Subject {
  const streams = streamsOf(role)
  const foreign = streamsOf(role === 'server' ? 'client' : 'server')
  return {
    name: `frames to a ${role}`,
    make: (draws) => mutate(makeStream(draws, streams, foreign), draws, 4),
    read: (pieces) => readFrames(role, pieces),
  }
}

function makeStream(draws: Draws, streams: readonly Uint8Array[], foreign: readonly Uint8Array[]): Uint8Array {
  const parts = Array.from({ length: 1 + draws.below(4) }, () => draws.of(draws.once(40) ? foreign : streams))
  return concat(...parts)
}

/** All connections of a thread share a pool, as a server's do. Pools of their own took a tenth of the time of a run. */
const scratchPool = new ScratchPool(webPayload)

/** Feeds the pieces to a connection in this role that echoes, and returns its log. */
export function readFrames(
  role: 'client' | 'server',
  pieces: readonly Uint8Array[],
  pair?: Readonly<Record<'client' | 'server', Extension>>,
): readonly string[] {
  const harness = new ConnectionHarness({
    role,
    scratchPool,
    limits: { maxMessageBytes },
    ...(pair === undefined ? {} : { extension: pair[role] }),
    onMessage: (message, { connection }) => connection.send(message),
  })
  const { connection, clock, transport, log } = harness
  for (const piece of pieces) {
    harness.receive(piece)
    // The buffer doubles as it grows.
    if (connection.heldBytes > mostHeldBytes + (pair?.[role].heldBytes ?? 0))
      throw new Error(`${connection.heldBytes} bytes are held`)
  }
  clock.endTurn()
  connection.ended()
  clock.advance(10_000)
  connection.closed()
  if (clock.pendingTimers > 0 || connection.heldBytes > 0) throw new Error('a timer or bytes are left behind')
  if (log.at(-1)?.startsWith('closed ') !== true) throw new Error('the end was not told')
  for (const line of log) {
    if (line.startsWith('error ') && !(line.slice('error '.length) in violations)) throw new Error(line)
  }
  // Our answers must be valid for any input.
  const otherRole = role === 'server' ? 'client' : 'server'
  const other = new ConnectionHarness({
    role: otherRole,
    scratchPool,
    ...(pair === undefined ? {} : { extension: pair[otherRole] }),
  })
  for (const bytes of transport.writes) other.receive(bytes)
  other.connection.closed()
  const complaint = other.log.find((line) => line.startsWith('error '))
  if (complaint !== undefined) throw new Error(`our own answer breaks a rule: ${complaint}`)
  return log
}

export const frameSubjects: readonly Subject[] = [framesFor('server'), framesFor('client')]
