import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { constants, deflateRawSync } from 'node:zlib'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { requestLines } from 'twoway-testing/peers/handshake-request.js'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import { Bystander } from '../faults/bystander.js'
import { figure, mebibytes, type Row } from './row.js'
import type { ServerProcess } from './server-process.js'
import type { Mode } from './servers/commands.js'

/** The default limit of incomplete input that Twoway holds, and the other memory that a process may use. */
const mostBytes = (256 + 64) << 20
/** The longest acceptable wait of a bystander. */
const mostMs = 100

const manyPeers = 10_000
/** The number of connections that a machine accepts at a time without refusing some. */
const peersAtATime = 100

interface Halves {
  readonly property: string
  readonly mode: Mode
  /** The bytes that a peer sends after it connected; the rest never arrives. Called for each peer. */
  readonly part: (index: number) => Uint8Array
}

/** Parts of several lengths, whose buffers fit no other's place. */
const partLengths = Array.from({ length: 40 }, (_, index) => 178_000 + index * 3_128)

/** Makes each part once: a peer's part by its number. */
function eachOf(partOf: (length: number) => Uint8Array): Halves['part'] {
  let parts: Uint8Array[] | undefined
  return (index) => {
    parts ??= partLengths.map(partOf)
    return parts[index % parts.length]!
  }
}

/** The same part for each peer. */
function same(partOf: () => Uint8Array): Halves['part'] {
  let part: Uint8Array | undefined
  return () => {
    part ??= partOf()
    return part
  }
}

/** The first frame of a message of about 16 KiB that inflates to just below 1 MiB. */
function halfBomb(): Uint8Array {
  const message = Buffer.alloc((1 << 20) - 1)
  let seed = 1
  // Each random byte adds about two and a half bytes of compressed data.
  for (let at = 0; at < message.length; at += 180) {
    seed = (seed * 48_271) % 0x7fffffff
    message[at] = seed
  }
  const compressed = deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH })
  return clientFrame(opcodes.binary, compressed, { reservedBits: 4, fin: false })
}

/** A row of 10,000 peers that each send a part of a message and nothing more: the process's memory, and another's wait. */
function halves({ property, mode, part }: Halves): Row {
  return {
    property: `${property}: memory, and the longest that another's echo takes`,
    promise: 'the 256 MiB of `maxTotalReceiveBytes` and 64 MiB more at most; 100 ms at most',
    mode,
    descriptors: manyPeers + 200,
    async measure(server) {
      const before = await server.memory()
      const bystander = await Bystander.join(server.port)
      const peers = await openMany(server, mode)
      bystander.begin()
      for (const [index, peer] of peers.entries()) {
        peer.send(part(index))
        if (index % 4 === 3) await sleep(1)
      }
      await sleep(3000)
      const after = await server.memory()
      const { worstMs } = await bystander.leave()
      const cut = peers.filter((peer) => peer.isClosed || peer.count(opcodes.close) > 0)
      const codes = [...new Set(cut.map(({ closeCode }) => closeCode || 'no Close'))].join(', ')
      for (const peer of peers) peer.destroy()
      if (before === undefined || after === undefined) return figure('the server does not answer', false)
      const growth = after.peakBytes - before.residentBytes
      const ended = cut.length === 0 ? 'none was cut' : `${cut.length} were cut (${codes})`
      return figure(
        `${mebibytes(growth)}; ${worstMs.toFixed(0)} ms; ${ended} of ${peers.length}`,
        growth <= mostBytes && worstMs <= mostMs,
      )
    },
  }
}

async function openMany(server: ServerProcess, mode: Mode): Promise<RawSocket[]> {
  const offer = mode === 'compress' ? { 'Sec-WebSocket-Extensions': 'permessage-deflate' } : {}
  const lines = requestLines(server.port, offer)
  const peers: RawSocket[] = []
  while (peers.length < manyPeers) {
    const opened = await Promise.all(
      Array.from({ length: peersAtATime }, () => RawSocket.open(server.port, 5000, lines)),
    )
    const stand = opened.filter((peer) => peer !== undefined)
    if (stand.length === 0) break
    peers.push(...stand)
    // The bystander is one of the connections.
    if (stand.length < peersAtATime) break
  }
  return peers
}

const count = manyPeers.toLocaleString('en')

export const unfinishedRows: readonly Row[] = [
  halves({
    property: `${count} peers that each send half a message of 100 KiB`,
    mode: 'echo',
    part: same(() => clientFrame(opcodes.binary, Buffer.alloc(50 << 10, 'a'), { length: 100 << 10 })),
  }),
  halves({
    property: `${count} peers that each send half a compressed message, 16 KiB that inflate to 1 MiB`,
    mode: 'compress',
    part: same(halfBomb),
  }),
  halves({
    property: `${count} peers that each send 178 to 300 KB, half of a message`,
    mode: 'echo',
    part: eachOf((length) => clientFrame(opcodes.binary, Buffer.alloc(length, 'a'), { length: 2 * length })),
  }),
  halves({
    property: `${count} peers that each send 178 to 300 KB, half of a compressed message`,
    mode: 'compress',
    part: eachOf((length) => clientFrame(opcodes.binary, randomBytes(length), { length: 2 * length, reservedBits: 4 })),
  }),
]

/** Rows that mostly sleep. */
export const dribbleRows: readonly Row[] = [
  {
    property: 'a message that arrives at one byte each second is ended after',
    promise: '30 s, plus up to 2 s until the next check',
    async measure(server) {
      const peer = await RawSocket.open(server.port)
      if (peer === undefined) return figure('no connection', false)
      peer.send(clientFrame(opcodes.binary, 'a', { length: 1000 }))
      const begun = performance.now()
      const timer = setInterval(() => peer.send('a'), 1000)
      const isEnded = await peer.until(() => peer.count(opcodes.close) > 0 || peer.isClosed, 60_000)
      clearInterval(timer)
      const seconds = (performance.now() - begun) / 1000
      const { closeCode } = peer
      peer.destroy()
      if (!isEnded) return figure('not within 60 s', false)
      return figure(`${seconds.toFixed(1)} s, ${closeCode || 'no Close'}`, seconds < 34)
    },
  },
]
