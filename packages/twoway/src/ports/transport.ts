/**
 * A two-way stream of bytes under a connection: a TCP or TLS socket, a pipe, one half of a pair in memory.
 *
 * Listens for the errors of what lies under it from its construction on, so that nothing a peer does
 * before `start` ends the process.
 */
export interface Transport {
  /** Bytes written and not yet handed to the network; once the transport is gone, those that never will be. Only `write` adds to them. */
  readonly pendingBytes: number
  /** The other end, as far as it is known. */
  readonly peer: TransportPeer
  /**
   * Delivers to `sink` from now on; called again, it hands over to another sink.
   * What arrived before is delivered first, later than this call returns.
   */
  start(sink: TransportSink): void
  /**
   * Queues `first` and then `second` in one write. Both must be left unchanged until `pendingBytes` is 0.
   * Ignored once `end` was called; pending for ever once `destroy` was called or the transport is gone.
   */
  write(first: Uint8Array, second?: Uint8Array): void
  /** Stops delivery; at most the read that is under way still arrives. */
  pause(): void
  resume(): void
  /** Ends the sending side once everything written has gone. Receiving goes on. */
  end(): void
  /**
   * Drops the connection now, with what is pending. `closed` follows. With `reset` the peer learns of it by a reset in
   * place of an end, where the transport has such a thing (TCP's RST).
   */
  destroy(reset?: boolean): void
}

/** A transport that can be handed on in the middle of its bytes. */
export interface RewindableTransport extends Transport {
  /**
   * Takes back bytes that a sink has read and not used, as a copy, and its start: whoever starts next gets them first.
   * To be called by the sink from within `received`, with the range's end.
   */
  unread(bytes: Uint8Array): void
}

/** What a transport reports. No call is made from within a call of the transport's own methods. */
export interface TransportSink {
  /**
   * Bytes arrived: `bytes[start, end)`, valid only during the call; the callee may overwrite them.
   * May be called again before it has returned, where the callee's own writes are answered at once.
   */
  received(bytes: Uint8Array, start: number, end: number): void
  /** `pendingBytes` is 0 again after a write that left some. */
  drained(): void
  /** The peer has ended its sending side. */
  ended(): void
  /** The transport is gone; once, and last. `error` says why where it did not end in order. */
  closed(error?: Error): void
}

export interface TransportPeer {
  /** IP address, or undefined where there is none (a pipe, a pair in memory). */
  readonly address: string | undefined
  readonly port: number | undefined
  /** Whether the bytes travel under TLS. */
  readonly encrypted: boolean
}
