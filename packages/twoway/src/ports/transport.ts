/**
 * A bidirectional byte stream under a connection: a TCP or TLS socket, a pipe, or one end of a pair in memory.
 *
 * It handles errors of the underlying stream from its construction on, so nothing a peer does before `start` can end
 * the process.
 */
export interface Transport {
  /**
   * Bytes that were written and not yet handed to the network. Once the transport is gone, those that never will be.
   * Only `write` increases it.
   */
  readonly pendingBytes: number
  /** The remote end, as far as it is known. */
  readonly peer: TransportPeer
  /**
   * Delivers to `sink` from now on; a further call switches to another sink. Delivers earlier bytes first, after this
   * call has returned.
   */
  start(sink: TransportSink): void
  /**
   * Queues `first` and then `second` as one write. Both must not change until `pendingBytes` is 0. Ignored after `end`.
   * After `destroy`, or once the transport is gone, the bytes stay pending for ever.
   */
  write(first: Uint8Array, second?: Uint8Array): void
  /** Stops delivery. At most one read in progress is still delivered. */
  pause(): void
  resume(): void
  /** Ends the sending side after all written bytes. Receiving continues. */
  end(): void
  /**
   * Drops the connection and all pending bytes now. `closed` follows. With `reset`, the peer sees a reset instead of an
   * end, if the transport supports it (TCP's RST).
   */
  destroy(reset?: boolean): void
}

/** A transport whose unused input can be given back and read by another sink. */
export interface RewindableTransport extends Transport {
  /**
   * Gives back unused bytes of a read. The transport copies them and delivers them first to the next sink. The sink
   * must call it within `received`, with the end of the range.
   */
  unread(bytes: Uint8Array): void
}

/** The events of a transport. No event is emitted within a call of the transport's own methods. */
export interface TransportSink {
  /**
   * Bytes arrived: `bytes[start, end)`, valid only during the call; the sink may overwrite them. May be called again
   * before it has returned, if the peer answers the sink's own writes synchronously.
   */
  received(bytes: Uint8Array, start: number, end: number): void
  /** `pendingBytes` is 0 again after a write that left bytes pending. */
  drained(): void
  /** The peer has ended its sending side. */
  ended(): void
  /** The transport is gone. Called once, as the last event. `loss` is set unless it ended in order. */
  closed(loss?: Loss): void
}

/**
 * Why a transport was lost: an error, or a function that makes it. Many connections end by a reset, and an error takes
 * longer to make than all other work of such an end (`npm run bench`, row `handshake`).
 */
export type Loss = Error | (() => Error)

export interface TransportPeer {
  /** IP address; undefined if there is none (a pipe, a pair in memory). */
  readonly address: string | undefined
  readonly port: number | undefined
  /** Whether the connection uses TLS. */
  readonly encrypted: boolean
  /**
   * Set for a client that a proxy has announced by the PROXY protocol: 'named' if it gave the client's address, which then
   * is `address`, and 'unnamed' if it gave none; then `address` is the proxy's.
   */
  readonly announced?: 'named' | 'unnamed' | undefined
}
