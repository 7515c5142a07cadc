import { Bystander } from '../faults/bystander.js'
import { RawSocket } from '../faults/raw-socket.js'
import { close, frame, ping, text } from '../faults/wire.js'
import { figure, type Row } from './row.js'

/** The longest that a bystander may wait. */
const mostMs = 100
const floodMs = 8000

/** What a bystander's echoes took while one peer did this; the peer reads what it is answered. */
function beside(flood: string, act: (peer: RawSocket) => Promise<void>): Row {
  return {
    property: `the slowest echo of another client during ${flood}`,
    promise: `${mostMs} ms at most`,
    async measure(server) {
      const bystander = await Bystander.join(server.port)
      const peer = await RawSocket.open(server.port)
      if (peer === undefined) return figure('no connection', false)
      bystander.begin()
      await act(peer)
      const { worstMs, medianMs } = await bystander.leave()
      const isCut = peer.isClosed || peer.count(close) > 0
      peer.destroy()
      const cut = isCut ? '; the peer was disconnected' : ''
      return figure(
        `${worstMs.toFixed(0)} ms (half within ${medianMs.toFixed(1)} ms)${cut}`,
        worstMs <= mostMs && !isCut,
      )
    },
  }
}

/** Sends all of it as fast as the server takes it, then waits until it is answered. */
async function pour(peer: RawSocket, octets: Buffer): Promise<void> {
  peer.send(octets)
  peer.send(frame(text, 'the end'))
  const isEnd = (): boolean => peer.arrived.at(-1)?.payload.toString() === 'the end'
  await peer.until(isEnd, floodMs)
}

function many(count: number, octets: () => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, octets))
}

export const fairnessRows: readonly Row[] = [
  beside('1,000,000 messages of one byte', (peer) =>
    pour(
      peer,
      many(1_000_000, () => frame(text, 'a')),
    ),
  ),
  beside('100,000 Pings', (peer) =>
    pour(
      peer,
      many(100_000, () => frame(ping, 'a')),
    ),
  ),
  beside('20,000 messages that arrive byte by byte', async (peer) => {
    const octets = many(20_000, () => frame(text, 'a'))
    const end = performance.now() + floodMs
    for (let at = 0; at < octets.length && performance.now() < end; at++) {
      if (!(await peer.sendInTurn(octets.subarray(at, at + 1)))) break
      // A write of its own for each octet, not one for all of a turn.
      if (at % 16 === 15) await new Promise(setImmediate)
    }
  }),
]
