import type { Transport, TransportSink } from '../../../twoway/dist/ports/transport.js'

/** A transport that accepts everything at once, and counts. */
export class CountingTransport implements Transport {
  readonly peer = { address: undefined, port: undefined, encrypted: false }
  readonly pendingBytes = 0
  writes = 0
  writtenBytes = 0

  start(_sink: TransportSink): void {}

  write(first: Uint8Array, second?: Uint8Array): void {
    this.writes++
    this.writtenBytes += first.length + (second?.length ?? 0)
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}
