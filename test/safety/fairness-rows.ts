import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import { Bystander } from '../faults/bystander.js'
import { figure, type Row } from './row.js'

/** The longest acceptable wait of a bystander. */
const mostMs = 100
const floodMs = 8000

/** A row for the echoes of a bystander during a flood by one peer, which reads the answers. */
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
      const isCut = peer.isClosed || peer.count(opcodes.close) > 0
      peer.destroy()
      const cut = isCut ? '; the peer was disconnected' : ''
      return figure(
        `${worstMs.toFixed(0)} ms (half within ${medianMs.toFixed(1)} ms)${cut}`,
        worstMs <= mostMs && !isCut,
      )
    },
  }
}

/** Sends all bytes as fast as the server reads, then waits for the last answer. */
async function pour(peer: RawSocket, bytes: Buffer): Promise<void> {
  peer.send(bytes)
  peer.send(clientFrame(opcodes.text, 'the end'))
  const isEnd = (): boolean => peer.frames.at(-1)?.payload.toString() === 'the end'
  await peer.until(isEnd, floodMs)
}

function many(count: number, frame: () => Uint8Array): Buffer {
  return Buffer.concat(Array.from({ length: count }, frame))
}

export const fairnessRows: readonly Row[] = [
  beside('1,000,000 messages of one byte', (peer) =>
    pour(
      peer,
      many(1_000_000, () => clientFrame(opcodes.text, 'a')),
    ),
  ),
  beside('100,000 Pings', (peer) =>
    pour(
      peer,
      many(100_000, () => clientFrame(opcodes.ping, 'a')),
    ),
  ),
  beside('20,000 messages that come byte by byte', async (peer) => {
    const bytes = many(20_000, () => clientFrame(opcodes.text, 'a'))
    const end = performance.now() + floodMs
    for (let at = 0; at < bytes.length && performance.now() < end; at++) {
      if (!(await peer.sendInTurn(bytes.subarray(at, at + 1)))) break
      // Each byte is written separately, not combined with others of the turn.
      if (at % 16 === 15) await new Promise(setImmediate)
    }
  }),
]
