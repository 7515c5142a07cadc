import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import { type EchoProcess, startEcho } from '../echo-process.js'
import type { EchoLoad } from './echo-load.js'
import { figure, type Row, seconds } from './row.js'

/** The limits for another client's handshake, and for SIGTERM: the time for a Close, and a second. */
const mostMs = 100
const mostToEndMs = 6000
const loadMs = 2000
/** The longest wait for a handshake. */
const longestMs = 20_000

type Asked = Omit<EchoLoad, 'port' | 'reads'>

/** The most expensive settings that a URL can request of the service. */
const heaviest: readonly Asked[] = [
  { query: '?rate=10000&size=1048576', peers: 10, sendsBytes: 0 },
  { query: '?rate=10000&size=16', peers: 100, sendsBytes: 0 },
  { query: '?ping=10', peers: 100, sendsBytes: 0 },
  { query: '?mirror=request&rate=10000&size=1048576&ping=10&deflate', peers: 10, sendsBytes: 1024 },
  { query: '?fragment=1', peers: 10, sendsBytes: 16 << 20 },
  { query: '?fragment=1&deflate', peers: 10, sendsBytes: 1 << 20 },
  { query: '?fragment=65536', peers: 10, sendsBytes: 1 << 20 },
  { query: '?deflate', peers: 10, sendsBytes: 1 << 20 },
  { query: '?delay=1000', peers: 10, sendsBytes: 1 },
  { query: '?delay=1000&jitter=1000', peers: 10, sendsBytes: 1 << 20 },
  { query: '?slow=1073741824', peers: 10, sendsBytes: 1 << 20 },
  { query: '?drop=0.5&close=1000&after=1000000000', peers: 10, sendsBytes: 1 },
]

function beside(asked: Asked, reads: boolean): Row {
  const peers = `${asked.peers} peers that ${reads ? 'read' : 'do not read'} and ask for \`${asked.query}\``
  return {
    property: `the echo service: the longest that another's handshake takes beside ${peers}, and SIGTERM`,
    promise: `${mostMs} ms at most; ${seconds(mostToEndMs)} at most`,
    without: { ws: 'has no such service', Bun: 'has no such service' },
    async measure() {
      const echo = await startEcho()
      try {
        return await measure(echo, { ...asked, reads, port: Number(new URL(echo.url).port) })
      } finally {
        await echo.process.kill()
      }
    },
  }
}

async function measure(echo: EchoProcess, load: EchoLoad): Promise<ReturnType<typeof figure>> {
  const worker = new Worker(new URL('echo-load.js', import.meta.url), { workerData: load })
  await new Promise((resolve) => worker.once('message', resolve))
  const times: number[] = []
  const end = performance.now() + loadMs
  while (performance.now() < end) {
    const begun = performance.now()
    const peer = await RawSocket.open(load.port, longestMs)
    times.push(peer === undefined ? longestMs : performance.now() - begun)
    peer?.destroy()
    await sleep(10)
  }
  const stoppedAt = performance.now()
  echo.process.child.kill('SIGTERM')
  const hasEnded = await Promise.race([echo.process.ended.then(() => true), sleep(longestMs, false, { ref: false })])
  const toEndMs = performance.now() - stoppedAt
  await worker.terminate()
  const worstMs = Math.max(...times)
  const medianMs = times.sort((a, b) => a - b)[times.length >> 1]!
  return figure(
    `${worstMs.toFixed(0)} ms (half within ${medianMs.toFixed(1)} ms); ${hasEnded ? seconds(toEndMs) : 'does not end'}`,
    worstMs <= mostMs && hasEnded && toEndMs <= mostToEndMs,
  )
}

/** The settings that send by themselves, or hold memory, for a peer that does not read. */
const unread = heaviest.filter(({ query }) => /^\?(?:rate=10000&size|fragment=1$|deflate)/.test(query))

export const echoRows: readonly Row[] = [
  ...heaviest.map((asked) => beside(asked, true)),
  ...unread.map((asked) => beside(asked, false)),
]
