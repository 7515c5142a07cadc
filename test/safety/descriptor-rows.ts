import { setTimeout as sleep } from 'node:timers/promises'
import { RawSocket } from '../faults/raw-socket.js'
import { frame, text } from '../faults/wire.js'
import { figure, type Row } from './row.js'

const descriptors = 256
const tries = 400

async function isEchoed(peer: RawSocket | undefined): Promise<boolean> {
  if (peer === undefined) return false
  const before = peer.count(text)
  peer.send(frame(text, 'hello'))
  return peer.until(() => peer.count(text) > before, 5000)
}

export const descriptorRows: readonly Row[] = [
  {
    property: `${tries} connections to a process of ${descriptors} descriptors`,
    promise: 'those that stand are served, and others are let in when there is room again',
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
        `${standing.length} stand`,
        served ? 'served' : 'not served',
        laterServed ? 'others let in later' : 'none let in later',
        ...(server.hasEnded ? ['the process ended'] : []),
      ]
      return figure(parts.join(', '), served && laterServed && !server.hasEnded)
    },
  },
]
