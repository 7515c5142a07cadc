import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import { type Figure, figure, type Row, seconds, timed } from './row.js'

/** The longest wait of a row: Bun finds a dead peer after two minutes. */
const longestMs = 150_000

async function untilDropped(peer: RawSocket, mostMs: number): Promise<Figure> {
  const ms = await timed((withinMs) => peer.untilClosed(withinMs), longestMs)
  peer.destroy()
  return ms === undefined ? figure(`not within ${seconds(longestMs)}`, false) : figure(seconds(ms), ms <= mostMs)
}

/** Rows that wait for actions of the server, and do not disturb other rows meanwhile. */
export const waitingRows: readonly Row[] = [
  {
    property: 'a half-sent request is dropped after',
    promise: '10 s, plus up to 1 s until the next check',
    measure(server) {
      const peer = new RawSocket(server.port)
      peer.send('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n')
      return untilDropped(peer, 13_500)
    },
  },
  {
    property: 'a request that arrives at one byte each second is dropped after',
    promise: 'the same',
    async measure(server) {
      const peer = new RawSocket(server.port)
      const bytes = request(requestLines(server.port, { 'X-Long': 'a'.repeat(300) }))
      let at = 0
      const timer = setInterval(() => peer.send(bytes[at++]!), 1000)
      const result = await untilDropped(peer, 13_500)
      clearInterval(timer)
      return result
    },
  },
  {
    property: 'a connection that sends nothing is dropped after',
    promise: 'the same',
    measure: (server) => untilDropped(new RawSocket(server.port), 13_500),
  },
  {
    property: 'a peer that disappeared without notice is found within',
    promise: '45 s, plus up to 1 s',
    async measure(server) {
      const peer = await RawSocket.open(server.port)
      return peer === undefined ? figure('no connection', false) : untilDropped(peer, 47_500)
    },
  },
  {
    property: 'a peer that does not answer a Close is dropped after',
    promise: '5 s',
    async measure(server) {
      const peer = await RawSocket.open(server.port)
      if (peer === undefined) return figure('no connection', false)
      peer.send(clientFrame(opcodes.text, 'close'))
      await peer.until(() => peer.count(opcodes.close) > 0, 5000)
      // Our side stays open, although the server may end its side.
      return untilDropped(peer, 6500)
    },
  },
  {
    property: '`close()` with ten connections of silent peers takes',
    promise: '5 s, and the connections are closed',
    async measure(server) {
      const peers = await Promise.all(Array.from({ length: 10 }, () => RawSocket.open(server.port)))
      const ms = await timed((withinMs) => server.stop(withinMs), 60_000)
      const gone = await Promise.all(peers.map((peer) => peer?.untilClosed(500)))
      for (const peer of peers) peer?.destroy()
      const left = gone.filter((isGone) => isGone !== true).length
      const stays = left === 0 ? '' : `; ${left} stay open`
      return ms === undefined
        ? figure(`more than 60 s${stays}`, false)
        : figure(`${seconds(ms)}${stays}`, ms < 6500 && left === 0)
    },
  },
]
