import { setTimeout as sleep } from 'node:timers/promises'
import { constants, deflateRawSync } from 'node:zlib'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import { type Figure, figure, mebibytes, type Row } from './row.js'
import type { ServerProcess } from './server-process.js'
import { sentMessageBytes, sentMessages } from './servers/commands.js'

/** The noise of a process's memory: its code gets compiled, its heap grows in steps. */
const noiseBytes = 24 << 20

/** Connects, warms the server up, and returns its memory. */
async function begin(
  server: ServerProcess,
): Promise<{ readonly peer: RawSocket; readonly before: number } | undefined> {
  const peer = await RawSocket.open(server.port)
  if (peer === undefined) return undefined
  for (let count = 0; count < 200; count++) peer.send(clientFrame(opcodes.text, 'warm'))
  await peer.until(() => peer.count(opcodes.text) >= 200, 5000)
  peer.counts.clear()
  const memory = await server.memory()
  return memory === undefined ? undefined : { peer, before: memory.residentBytes }
}

const noConnection = figure('no connection', false)

/** Floods the server from a peer that does not read, and reports the bytes that it read and its memory. */
async function flood(server: ServerProcess, piece: Uint8Array, pieces: number): Promise<Figure> {
  const begun = await begin(server)
  if (begun === undefined) return noConnection
  const { peer, before } = begun
  peer.socket.pause()
  let sent = 0
  const isDone = (async () => {
    while (sent < pieces && (await peer.sendInTurn(piece))) sent += 1
  })()
  await Promise.race([isDone, sleep(6000)])
  await sleep(500)
  const memory = await server.memory()
  const taken = Math.round((peer.socket.bytesWritten - peer.socket.writableLength) / 2 ** 20)
  peer.destroy()
  if (memory === undefined) return figure('the server does not answer', false)
  const growth = Math.max(memory.residentBytes, memory.peakBytes) - before
  return figure(
    `${mebibytes(growth)}; ${taken} MiB of ${Math.round((piece.length * pieces) / 2 ** 20)} were read`,
    growth < noiseBytes,
  )
}

/** A row for the memory of one unfinished message, in this number of fragments of this length. */
function fragmented(count: number, bytes: number): Row {
  const amount = `${count.toLocaleString('en')} fragments of ${bytes === 1 ? 'one byte' : `${bytes} bytes`}`
  return {
    property: `memory held for one message of ${amount}`,
    promise: 'its bytes, below 1 MiB, plus noise',
    async measure(server) {
      const begun = await begin(server)
      if (begun === undefined) return noConnection
      const { peer, before } = begun
      const payload = 'a'.repeat(bytes)
      peer.send(clientFrame(opcodes.binary, payload, { fin: false }))
      const piece = Buffer.concat(Array.from({ length: 1000 }, () => clientFrame(0, payload, { fin: false })))
      for (let sent = 0; sent < count && (await peer.sendInTurn(piece)); sent += 1000) {}
      await sleep(1500)
      const isCut = peer.isClosed || peer.count(opcodes.close) > 0
      const memory = await server.memory()
      peer.destroy()
      if (memory === undefined) return figure('the server does not answer', false)
      const growth = memory.residentBytes - before
      return figure(`${mebibytes(growth)}${isCut ? '; the peer was disconnected' : ''}`, growth < noiseBytes && !isCut)
    },
  }
}

const bombs = 10

export const memoryRows: readonly Row[] = [
  fragmented(838_000, 1),
  fragmented(100_000, 8),
  {
    property: '256 MiB sent to a peer that does not read: memory, and the fate of the messages',
    promise: 'a megabyte or two; no message is lost silently',
    mode: 'send',
    async measure(server) {
      const memory = await server.memory()
      const peer = new RawSocket(server.port)
      peer.send(request(requestLines(server.port)))
      await peer.until(() => peer.head !== '', 5000)
      peer.socket.pause()
      await sleep(3000)
      const after = await server.memory()
      peer.socket.resume()
      let last = -1
      while (!peer.isClosed && peer.receivedBytes !== last) {
        last = peer.receivedBytes
        await sleep(700)
      }
      const counts = await server.counts()
      const arrived = peer.count(opcodes.binary)
      peer.destroy()
      if (memory === undefined || after === undefined || counts === undefined) return noConnection
      const growth = after.peakBytes - memory.residentBytes
      const lost = counts.taken - arrived
      const size = (messages: number): string => `${Math.round((messages * sentMessageBytes) / 2 ** 20)} MiB`
      const untaken = sentMessages - counts.taken
      const parts = [
        mebibytes(growth),
        ...(untaken > 0 ? [`${size(untaken)} refused and reported`] : []),
        lost > 0 ? `${size(lost)} lost silently` : 'the accepted messages arrived',
      ]
      return figure(parts.join('; '), growth < noiseBytes && lost === 0)
    },
  },
  {
    property: 'a peer that sends 256 MiB to an echo and reads nothing: memory',
    promise: 'reading stops at 64 KiB of answers',
    measure: (server) => flood(server, clientFrame(opcodes.binary, new Uint8Array(65_536)), 4096),
  },
  {
    property: 'a peer that sends 1,000,000 Pings (125 MiB) and reads nothing: memory',
    promise: 'only the latest Pong waits',
    measure: (server) =>
      flood(
        server,
        Buffer.concat(Array.from({ length: 500 }, () => clientFrame(opcodes.ping, new Uint8Array(125)))),
        2000,
      ),
  },
  {
    property: `${bombs} messages at once that would inflate to 1 GiB each, with compression: memory`,
    promise: '32 MiB at most',
    mode: 'compress',
    async measure(server) {
      const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate' }
      const opened = await Promise.all(
        Array.from({ length: bombs }, () => RawSocket.open(server.port, 5000, requestLines(server.port, offer))),
      )
      const peers = opened.filter((peer) => peer !== undefined && /permessage-deflate/i.test(peer.head))
      // One-time allocations for compression are not counted as a bomb's.
      const hello = clientFrame(opcodes.text, deflateRawSync('hello'.repeat(400)), { reservedBits: 4 })
      for (const peer of peers) for (let count = 0; count < 20; count++) peer?.send(hello)
      await Promise.all(peers.map((peer) => peer?.until(() => peer.count(opcodes.text) === 20, 5000)))
      const before = await server.memory()
      const bytes = clientFrame(opcodes.binary, bomb(), { reservedBits: 4 })
      for (const peer of peers) peer?.send(bytes)
      await Promise.all(peers.map((peer) => peer?.until(() => peer.count(opcodes.close) > 0 || peer.isClosed, 15_000)))
      const after = await server.memory()
      const codes = new Set(peers.map((peer) => peer?.closeCode || 'no Close'))
      for (const peer of peers) peer?.destroy()
      if (peers.length < bombs) return figure('compression is not agreed on', false)
      if (before === undefined || after === undefined) return figure('the server does not answer', false)
      const growth = after.peakBytes - before.residentBytes
      return figure(`${mebibytes(growth)}; ${[...codes].join(', ')}`, growth <= 32 << 20)
    },
  },
]

/** A gibibyte of zeros, compressed, RFC 7692 §7.2.1: the same block for each mebibyte. */
function bomb(): Buffer {
  const block = deflateRawSync(Buffer.alloc(1 << 20), { finishFlush: constants.Z_FULL_FLUSH })
  return Buffer.concat(Array.from({ length: 1024 }, () => block)).subarray(0, -4)
}
