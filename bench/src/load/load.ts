/** What a payload is made of. */
export type Content = 'binary' | 'ascii' | 'unicode' | 'json'

/** Every connection keeps messages in flight to a server that echoes them. */
export interface EchoLoad {
  readonly kind: 'echo'
  readonly content: Content
  /** Bytes of a message. */
  readonly bytes: number
  readonly connections: number
  readonly inFlight: number
  /** Frames a message is sent in, one by default. */
  readonly fragments?: number
  /** Messages are compressed, and have to come back compressed (RFC 7692). */
  readonly compressed?: boolean
}

/** One connection sends a message to a server that passes it on to all, and the next when it has its own back. */
export interface BroadcastLoad {
  readonly kind: 'broadcast'
  readonly bytes: number
  readonly connections: number
}

/** Connections are opened, and dropped as soon as the handshake is done. */
export interface HandshakeLoad {
  readonly kind: 'handshake'
  /** Handshakes under way at a time. */
  readonly connections: number
}

/** Connections are opened and left alone. */
export interface IdleLoad {
  readonly kind: 'idle'
  readonly connections: number
}

/**
 * A client is measured: the load is a server that sends it batches of messages, or takes its batches. Who has got a batch
 * answers with one empty message, upon which the next comes; each connection has two batches under way.
 */
export interface ClientLoad {
  readonly kind: 'clientReceives' | 'clientSends'
  readonly content: Content
  readonly bytes: number
  readonly connections: number
  /** Messages in a batch. */
  readonly batch: number
}

export type ServerLoad = EchoLoad | BroadcastLoad | HandshakeLoad | IdleLoad
export type Load = ServerLoad | ClientLoad

/** What the load generator is asked to do, as JSON in its first argument. */
export interface LoadOrder {
  readonly load: Load
  /** The process whose time is counted. A load for clients reads it from its standard input, as a line. */
  readonly pid?: number
  /** Where the server under test listens. */
  readonly port?: number
  readonly tls: boolean
  readonly warmUpMs: number
  readonly measureMs: number
}

/** What was measured, as a line of JSON. A load for clients prints `{ "port": ... }` before. */
export interface Measurement {
  /** Microseconds of the process's time (user and system) a message; of an idle load, bytes of memory a connection. */
  readonly cost: number
  /** Messages, deliveries or handshakes a second; 0 for an idle load. */
  readonly perSecond: number
  /** Microseconds from a message's sending to its answer's arrival; undefined where nothing answers. */
  readonly p50: number | undefined
  readonly p99: number | undefined
  /** Bytes of the process's memory (resident set) at the end. */
  readonly memory: number
  /** The share of a core that the process took, and that the generator took. */
  readonly busy: number
  readonly generatorBusy: number
}
