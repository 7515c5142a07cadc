import process from 'node:process'
import { createInterface } from 'node:readline'

/** The order for a server under measurement. */
export type Mode = 'echo' | 'unguarded' | 'send' | 'authenticate' | 'two' | 'compress' | 'app' | 'tls' | 'hub'

export const mode = (process.argv[2] ?? 'echo') as Mode

/** The certificate and the key of a server that has TLS. */
export const identity = JSON.parse(process.env.SAFETY_IDENTITY ?? '{}') as {
  readonly cert: string
  readonly key: string
}

/** The counters of a server. */
export interface Counts {
  /** The number of received messages. */
  messages: number
  /** The number of messages that `send` accepted, and of those that it reported as refused. */
  taken: number
  refused: number
  /** The number of connections that were reported to the program as closed or failed. */
  told: number
}

export const counts: Counts = { messages: 0, taken: 0, refused: 0, told: 0 }

export const authenticationMs = 100
export const sentMessages = 4096
export const sentMessageBytes = 65_536

/** Sends 256 MiB in messages of 64 KiB, a few in a turn, until one is refused permanently. */
export function sendMuch(send: (message: Uint8Array) => 'taken' | 'refused' | 'closed'): void {
  let sent = 0
  const sendSome = (): void => {
    for (let count = 0; count < 64 && sent < sentMessages; count++) {
      sent += 1
      const result = send(new Uint8Array(sentMessageBytes).fill(sent))
      if (result === 'taken') counts.taken += 1
      else counts.refused += 1
      if (result === 'closed') return
    }
    if (sent < sentMessages) setTimeout(sendSome, 1)
  }
  sendSome()
}

/** Prints the port of the server, and answers questions line by line. */
export function serveCommands(port: number, stop: () => Promise<unknown>): void {
  const lines = createInterface({ input: process.stdin })
  const say = (answer: unknown): boolean => process.stdout.write(`${JSON.stringify(answer)}\n`)
  lines.on('line', (line) => {
    if (line === 'counts') say(counts)
    else if (line === 'memory') say(memory())
    else if (line === 'stop') void stop().then(() => say({ stopped: true }))
  })
  lines.on('close', () => process.exit(0))
  say({ port })
}

/** The memory after a collection in bytes, and its maximum so far. */
function memory(): { residentBytes: number; peakBytes: number } {
  collect()
  return { residentBytes: process.memoryUsage().rss, peakBytes: process.resourceUsage().maxRSS * 1024 }
}

function collect(): void {
  const { Bun, gc } = globalThis as { Bun?: { gc(isNow: boolean): void }; gc?: () => void }
  if (Bun === undefined) gc?.()
  else Bun.gc(true)
}
