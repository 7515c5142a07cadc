import type { Transport, TransportSink } from '../../../twoway/dist/ports/transport.js'
import { concat } from '../bytes.js'

/** A transport that records its calls. Its network takes everything at once, unless a test makes it full. */
export class RecordingTransport implements Transport {
  readonly peer = { address: undefined, port: undefined, encrypted: false }
  /** The calls in order: 'end', 'destroy', 'pause', 'resume', and 'write' with the bytes in hex. */
  readonly calls: string[] = []
  /** The bytes of each call of `write`. */
  readonly writes: Uint8Array[] = []
  isFull = false
  pendingBytes = 0
  #sink: TransportSink | undefined

  get sink(): TransportSink {
    return this.#sink!
  }

  /** All bytes written, in order. */
  get written(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.writes))
  }

  start(sink: TransportSink): void {
    this.#sink = sink
  }

  write(first: Uint8Array, second: Uint8Array = new Uint8Array(0)): void {
    this.calls.push('write')
    this.writes.push(concat(first, second))
    if (this.isFull) this.pendingBytes += first.length + second.length
  }

  pause(): void {
    this.calls.push('pause')
  }

  resume(): void {
    this.calls.push('resume')
  }

  end(): void {
    this.calls.push('end')
  }

  destroy(): void {
    this.calls.push('destroy')
  }

  /** Lets the network take the waiting bytes. */
  drain(): void {
    this.isFull = false
    this.pendingBytes = 0
    this.sink.drained()
  }

  /** Clears the recorded calls and bytes. */
  clear(): void {
    this.calls.length = 0
    this.writes.length = 0
  }
}
