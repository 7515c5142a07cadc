import process from 'node:process'

/** A module with the API of ws: ws itself, for which Bun has a module of its own, or ours. */
export type WsModule = 'ws' | '@twoway/ws'

/** The configuration of a server under test, as JSON in its first argument. */
export interface ServerOrder {
  /**
   * Send each message back, or forward it to all connections, including the sender's: to publish, each subscribes to one
   * topic. A server without topics publishes as it broadcasts.
   */
  readonly does: 'echo' | 'broadcast' | 'publish'
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Compress every message, however short. */
  readonly compresses?: boolean
  /** The module of a server that is written for the API of ws. */
  readonly wsModule?: WsModule | undefined
  /** The folder where the rivals are installed. */
  readonly rivals: string
}

export function readServerOrder(): ServerOrder {
  return JSON.parse(process.argv[2]!) as ServerOrder
}

/** Reports the port to the parent process, and ends with it. */
export function listening(port: number): void {
  process.stdin.on('end', () => process.exit()).resume()
  process.stdout.write(`${JSON.stringify({ port })}\n`)
}
