import process from 'node:process'

/** What a server under test is asked to be, as JSON in its first argument. */
export interface ServerOrder {
  /** Send each message back, or pass it on to all connections, the sender's too. */
  readonly does: 'echo' | 'broadcast'
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Compress every message, however short. */
  readonly compresses?: boolean
  /** The folder where the rivals are installed. */
  readonly rivals: string
}

export function readServerOrder(): ServerOrder {
  return JSON.parse(process.argv[2]!) as ServerOrder
}

/** Tells who started this process where it listens, and ends with it. */
export function listening(port: number): void {
  process.stdin.on('end', () => process.exit()).resume()
  process.stdout.write(`${JSON.stringify({ port })}\n`)
}
