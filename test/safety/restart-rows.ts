import { serveWorkers } from 'twoway/workers'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import { HandshakeLoad } from '../handshake-load.js'
import { figure, type Row } from './row.js'

const held = 40
const lanes = 4

const without = { ws: 'has no workers', Bun: 'has no workers' }

export const restartRows: readonly Row[] = [
  {
    property: `handshakes of ${lanes} clients, one after another, while two workers that hold ${held} connections are replaced`,
    promise: 'none is refused',
    without,
    async measure() {
      const module = new URL('../worker-module.js', import.meta.url)
      const workers = await serveWorkers(module, { workers: 2, args: ['echo'], execArgv: [] })
      try {
        const peers = await Promise.all(Array.from({ length: held }, () => RawSocket.open(workers.port)))
        const load = new HandshakeLoad(workers.port, lanes)
        await workers.restart({ withinMs: 1000 })
        await load.stop()
        for (const peer of peers) peer?.destroy()
        const { 101: accepted = 0, ...others } = load.outcomes
        const refused = Object.entries(others).map(([outcome, count]) => `${count} × ${outcome}`)
        const answered = Object.keys(others).filter((outcome) => /^\d+$/.test(outcome))
        return figure(
          `${accepted} of ${load.count} accepted${refused.length === 0 ? '' : `; ${refused.join(', ')}`}`,
          // The system may reset a connection with SO_REUSEPORT: docs/how-to/shutdown.md.
          accepted > 0 && answered.length === 0,
        )
      } finally {
        await workers.close()
      }
    },
  },
]
