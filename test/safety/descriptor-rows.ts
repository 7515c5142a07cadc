import { setTimeout as sleep } from 'node:timers/promises'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import { figure, type Row, seconds } from './row.js'

const descriptors = 256
const tries = 400
/** The longest wait for an app. */
const longestMs = 30_000

async function isEchoed(peer: RawSocket | undefined): Promise<boolean> {
  if (peer === undefined) return false
  const before = peer.count(opcodes.text)
  peer.send(clientFrame(opcodes.text, 'hello'))
  return peer.until(() => peer.count(opcodes.text) > before, 5000)
}

/** The time until an app answers a request again. */
async function untilAnswered(port: number, withinMs: number): Promise<number | undefined> {
  const begun = performance.now()
  while (performance.now() - begun < withinMs) {
    const peer = new RawSocket(port)
    peer.send('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')
    await peer.until(() => peer.head !== '', 1000)
    const { status } = peer
    peer.destroy()
    if (status > 0) return performance.now() - begun
    await sleep(100)
  }
  return undefined
}

/** A row of connections that send an app a request, and then nothing more. */
function holding(property: string, bytes: (port: number) => string): Row {
  return {
    property: `${tries} connections ${property}, to an app of ${descriptors} descriptors`,
    promise: 'the app answers, and accepts WebSockets, within 15 s',
    mode: 'app',
    descriptors,
    async measure(server) {
      const peers = Array.from({ length: tries }, () => new RawSocket(server.port))
      for (const peer of peers) {
        peer.socket.allowHalfOpen = true
        peer.send(bytes(server.port))
      }
      await sleep(1000)
      const ms = await untilAnswered(server.port, longestMs)
      const later = await RawSocket.open(server.port, 5000)
      const isServed = await isEchoed(later)
      for (const peer of [...peers, later]) peer?.destroy()
      const answered = ms === undefined ? `no answer within ${seconds(longestMs)}` : `answers after ${seconds(ms)}`
      const parts = [answered, isServed ? 'lets in' : 'lets none in', ...(server.hasEnded ? ['the process ended'] : [])]
      return figure(parts.join(', '), ms !== undefined && ms < 15_000 && isServed && !server.hasEnded)
    },
  }
}

const h2c =
  'Host: 127.0.0.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n'

export const descriptorRows: readonly Row[] = [
  {
    property: `${tries} connections to a process of ${descriptors} descriptors`,
    promise: 'open ones are served, and new ones are accepted when descriptors are free again',
    descriptors,
    async measure(server) {
      const first = await RawSocket.open(server.port)
      const peers = await Promise.all(Array.from({ length: tries }, () => RawSocket.open(server.port, 3000)))
      const standing = peers.filter((peer) => peer !== undefined && !peer.isClosed)
      const served = await isEchoed(first)
      for (const peer of standing) peer?.destroy()
      await sleep(500)
      const later = await RawSocket.open(server.port, 5000)
      const laterServed = await isEchoed(later)
      first?.destroy()
      later?.destroy()
      const parts = [
        `${standing.length} open`,
        served ? 'served' : 'not served',
        laterServed ? 'others accepted later' : 'none accepted later',
        ...(server.hasEnded ? ['the process ended'] : []),
      ]
      return figure(parts.join(', '), served && laterServed && !server.hasEnded)
    },
  },
  holding('that offer h2c and never close', () => `GET / HTTP/1.1\r\n${h2c}\r\n`),
  holding('that are refused and never close', (port) => request(requestLines(port, { 'Sec-WebSocket-Key': 'short' }))),
]
