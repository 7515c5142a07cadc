import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { requestLines } from 'twoway-testing/peers/handshake-request.js'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import { Bystander } from '../faults/bystander.js'
import { figure, mebibytes, type Row } from './row.js'

/** The longest acceptable wait of a bystander, which is a plain client of the same server. */
const mostMs = 100
/** The limits of a hub allow this memory: 64 MiB of stored messages, and 10,000 topics of 10 KB each with the slack of the heap. */
const mostBytes = 160 << 20
const floodMs = 3000

const say = (message: object): Uint8Array => clientFrame(opcodes.text, JSON.stringify(message))

/**
 * A row for what one client of a hub does for some seconds: the memory that it costs, and the slowest echo of a bystander.
 * @param doesRead whether it reads what it is answered
 */
function beside(deed: string, piece: (round: number) => readonly object[], doesRead = true): Row {
  return {
    property: `a client of a hub that ${deed}: memory, and the slowest echo of another client`,
    promise: `below ${mostBytes >> 20} MiB; ${mostMs} ms at most`,
    mode: 'hub',
    without: { ws: 'has no topics', Bun: 'has no such protocol' },
    async measure(server) {
      const lines = requestLines(server.port, { 'Sec-WebSocket-Protocol': 'twoway.1' })
      const peer = await RawSocket.open(server.port, 5000, lines)
      if (peer === undefined) return figure('no connection', false)
      const bystander = await Bystander.join(server.port)
      peer.send(say({ t: 'hello' }))
      await peer.until(() => peer.count(opcodes.text) > 0, 5000)
      const before = await server.memory()
      if (!doesRead) peer.socket.pause()
      bystander.begin()
      let sent = 0
      const end = performance.now() + floodMs
      for (let round = 0; performance.now() < end && !peer.isClosed; round += 1) {
        const messages = piece(round)
        const taken = peer.sendInTurn(Buffer.concat(messages.map(say)))
        const isTaken = await Promise.race([taken, new Promise((resolve) => setTimeout(resolve, 200, 'waits'))])
        if (isTaken === false) break
        sent += messages.length
      }
      const { worstMs, medianMs } = await bystander.leave()
      const memory = await server.memory()
      peer.destroy()
      if (before === undefined || memory === undefined) return figure('the server does not answer', false)
      const growth = Math.max(memory.residentBytes, memory.peakBytes) - before.residentBytes
      return figure(
        `${mebibytes(growth)}; ${worstMs.toFixed(0)} ms (half within ${medianMs.toFixed(1)} ms) while it sent ${sent.toLocaleString('en')} messages`,
        growth < mostBytes && worstMs <= mostMs,
      )
    },
  }
}

/** Messages of one write. */
const many = (make: (index: number) => object) => (round: number) =>
  Array.from({ length: 100 }, (_, index) => make(100 * round + index))

export const hubRows: readonly Row[] = [
  beside(
    'subscribes to a new topic with each message',
    many((id) => ({ t: 'sub', id, topic: `room.${id}` })),
  ),
  beside(
    'asks for topics with names of 10,000 characters',
    many((id) => ({ t: 'sub', id, topic: `room.${'x'.repeat(10_000)}` })),
  ),
  beside(
    'publishes as fast as it can',
    many((id) => ({ t: 'pub', id, topic: 'room.1', data: 'x'.repeat(100) })),
  ),
  beside(
    'publishes to a new topic with each message',
    many((id) => ({ t: 'pub', id, topic: `room.${id}`, data: 'x'.repeat(100) })),
  ),
  beside(
    'joins and leaves the presence of a topic with each message',
    many((id) => ({ t: id % 2 === 0 ? 'sub' : 'unsub', id, topic: 'room.1', who: true })),
  ),
  beside(
    'makes requests with answers of 1 KiB, and reads none',
    many((id) => ({ t: 'req', id, method: 'long' })),
    false,
  ),
  beside(
    'makes requests that are never answered',
    many((id) => ({ t: 'req', id, method: 'never' })),
  ),
  beside(
    'asks for the history of a topic with 1,000 messages, and reads nothing',
    many((id) => ({ t: 'hist', id, topic: 'room.full', last: 1000 })),
    false,
  ),
]
