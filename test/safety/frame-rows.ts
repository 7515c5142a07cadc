import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import { type Figure, figure, type Row } from './row.js'
import type { ServerProcess } from './server-process.js'

const noConnection = figure('no connection', false)

/** Runs an act of a peer on a new connection. */
async function onConnection(server: ServerProcess, act: (peer: RawSocket) => Promise<Figure>): Promise<Figure> {
  const peer = await RawSocket.open(server.port)
  if (peer === undefined) return noConnection
  try {
    return await act(peer)
  } finally {
    peer.destroy()
  }
}

/** Whether the server accepts a message of this length. Only the header of the frame and one byte are sent. */
async function takesLength(port: number, length: number): Promise<boolean> {
  const peer = await RawSocket.open(port)
  if (peer === undefined) return false
  peer.send(clientFrame(opcodes.binary, new Uint8Array(1), { length }))
  const isRefused = await peer.until(() => peer.count(opcodes.close) > 0 || peer.isClosed, 250)
  peer.destroy()
  return !isRefused && !peer.isClosed
}

async function longestTaken(port: number, longest: number): Promise<number> {
  let taken = 0
  let refused = longest
  while (refused - taken > 1) {
    const middle = taken === 0 ? Math.floor(refused / 64) : Math.floor((taken + refused) / 2)
    if (middle <= 1) break
    if (await takesLength(port, middle)) taken = middle
    else refused = middle
  }
  return taken
}

export const frameRows: readonly Row[] = [
  {
    property: 'the longest message that is accepted by default',
    promise: '1 MiB, then a Close with 1009',
    async measure(server) {
      const longest = await longestTaken(server.port, 2 ** 40)
      return onConnection(server, async (peer) => {
        peer.send(clientFrame(opcodes.binary, new Uint8Array(1), { length: longest + 1 }))
        await peer.until(() => peer.count(opcodes.close) > 0 || peer.isClosed, 2000)
        const how = peer.closeCode === 0 ? 'no Close' : String(peer.closeCode)
        const size = longest % 2 ** 20 === 0 ? `${longest / 2 ** 20} MiB` : `${longest} bytes`
        return figure(`${size}, then ${how}`, longest === 2 ** 20 && peer.closeCode === 1009)
      })
    },
  },
  {
    property: 'a length that is not in its shortest form (§5.2)',
    promise: 'refused with 1002',
    async measure(server) {
      const forms = await Promise.all(
        ([16, 64] as const).map(async (lengthBits) => {
          let isTaken = false
          const result = await onConnection(server, async (peer) => {
            peer.send(clientFrame(opcodes.text, 'a', { lengthBits }))
            await peer.until(() => peer.count(opcodes.text) > 0 || peer.count(opcodes.close) > 0, 2000)
            isTaken = peer.count(opcodes.text) > 0
            return figure(isTaken ? 'taken' : `refused, ${peer.closeCode || 'no Close'}`, peer.closeCode === 1002)
          })
          return result
        }),
      )
      const texts = new Set(forms.map(({ text }) => text))
      return figure(
        [...texts].join(' and '),
        forms.every(({ holds }) => holds),
      )
    },
  },
  {
    property: 'text that is not UTF-8 is found, in a message whose rest has not arrived',
    promise: 'at the byte, with 1007',
    measure: (server) =>
      onConnection(server, async (peer) => {
        peer.send(clientFrame(opcodes.text, Uint8Array.of(0x61, 0xff, 0x61), { fin: false }))
        const isEarly = await peer.until(() => peer.count(opcodes.close) > 0 || peer.isClosed, 1000)
        if (isEarly) return figure(`at the byte, ${peer.closeCode || 'no Close'}`, peer.closeCode === 1007)
        peer.send(clientFrame(0, 'end'))
        await peer.until(() => peer.count(opcodes.close) > 0 || peer.isClosed, 2000)
        return figure(`at the message's end, ${peer.closeCode || 'no Close'}`, false)
      }),
  },
  {
    property: 'the same within one frame, half of which has arrived',
    promise: 'at the byte, with 1007',
    measure: (server) =>
      onConnection(server, async (peer) => {
        const bytes = clientFrame(opcodes.text, Buffer.concat([Uint8Array.of(0x61, 0xff), Buffer.alloc(1000, 'a')]))
        peer.send(bytes.subarray(0, 500))
        const isEarly = await peer.until(() => peer.count(opcodes.close) > 0 || peer.isClosed, 1000)
        if (isEarly) return figure(`at the byte, ${peer.closeCode || 'no Close'}`, peer.closeCode === 1007)
        peer.send(bytes.subarray(500))
        await peer.until(() => peer.count(opcodes.close) > 0 || peer.isClosed, 2000)
        return figure(`at the message's end, ${peer.closeCode || 'no Close'}`, false)
      }),
  },
  {
    property: 'one malformed frame, if the program has no error handler',
    promise: 'the process continues',
    mode: 'unguarded',
    measure: (server) =>
      onConnection(server, async (peer) => {
        peer.send(clientFrame(3, 'reserved'))
        await peer.untilClosed(2000)
        const other = await RawSocket.open(server.port, 2000)
        other?.destroy()
        const goesOn = other !== undefined && !server.hasEnded
        return figure(goesOn ? 'the process continues' : 'the process ends', goesOn)
      }),
  },
  {
    property: '100,000 Pings of 100 bytes from a peer that reads',
    promise: 'answered, the peer is not cut',
    measure: (server) =>
      onConnection(server, async (peer) => {
        const count = 100_000
        const bytes = Buffer.concat(Array.from({ length: 1000 }, () => clientFrame(opcodes.ping, Buffer.alloc(100))))
        for (let sent = 0; sent < count && (await peer.sendInTurn(bytes)); sent += 1000) {}
        peer.send(clientFrame(opcodes.text, 'end'))
        const isServed = await peer.until(() => peer.count(opcodes.text) > 0, 20_000)
        const answers = `${peer.count(opcodes.pong).toLocaleString('en')} answered`
        return figure(isServed ? answers : `${answers}, then cut`, isServed && peer.count(opcodes.pong) > 0)
      }),
  },
]
