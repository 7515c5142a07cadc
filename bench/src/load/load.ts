import type { DialectName } from './dialect.js'

/** The content of a payload. */
export type Content = 'binary' | 'ascii' | 'unicode' | 'json'

/** Every connection keeps messages in flight to a server that echoes them. */
export interface EchoLoad {
  readonly kind: 'echo'
  readonly content: Content
  /** The length of a message in bytes. */
  readonly bytes: number
  readonly connections: number
  readonly inFlight: number
  /** The number of frames of each message, 1 by default. */
  readonly fragments?: number
  /** Messages are compressed, and must come back compressed (RFC 7692). */
  readonly compressed?: boolean
}

/** One connection sends a message to a server that forwards it to all, and sends the next when its own copy arrives. */
export interface BroadcastLoad {
  readonly kind: 'broadcast'
  readonly by: 'broadcast' | 'publish'
  readonly bytes: number
  readonly connections: number
}

/** Clients that speak a rival's own protocol: one publishes to all and waits for its copy, or each asks and waits for its answer. */
export interface RoomLoad {
  readonly kind: 'room'
  readonly does: 'publish' | 'request'
  readonly bytes: number
  readonly connections: number
}

/** Connections are opened, and dropped after the handshake. */
export interface HandshakeLoad {
  readonly kind: 'handshake'
  /** The number of concurrent handshakes. */
  readonly connections: number
}

/** Connections are opened and stay idle. */
export interface IdleLoad {
  readonly kind: 'idle'
  readonly connections: number
}

/**
 * A client is measured: the load is a server that sends it batches of messages, or takes its batches. It answers
 * each batch with one empty message, upon which the next comes; each connection has two batches under way.
 */
export interface ClientLoad {
  readonly kind: 'clientReceives' | 'clientSends'
  readonly content: Content
  readonly bytes: number
  readonly connections: number
  /** Messages in a batch. */
  readonly batch: number
  /** The way in which the client takes messages. */
  readonly takesBy: 'onmessage' | 'listener'
}

/**
 * A client of topics is measured: the load is a server that speaks the client's own protocol, and publishes batches to its
 * topic. The client answers each batch with one message, upon which the next comes; each connection has two under way.
 */
export interface TopicClientLoad {
  readonly kind: 'topicReceives'
  readonly bytes: number
  readonly connections: number
  /** Messages in a batch. */
  readonly batch: number
}

export type ServerLoad = EchoLoad | BroadcastLoad | RoomLoad | HandshakeLoad | IdleLoad
export type Load = ServerLoad | ClientLoad | TopicClientLoad

/** A certificate and its key, as PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

/** The work of the load generator, as JSON in its first argument. */
export interface LoadOrder {
  readonly load: Load
  /** The id of the process whose time is counted. A load for clients reads it as a line of standard input. */
  readonly pid?: number
  /** The port of the server under test. */
  readonly port?: number
  readonly tls: boolean
  /** The certificate of a load for clients, if they use TLS. */
  readonly identity?: Identity | undefined
  /** The protocol of a room's clients, or of a client of topics. */
  readonly speaks?: DialectName | undefined
  readonly warmUpMs: number
  readonly measureMs: number
}

/** The result, printed as a line of JSON. A load for clients prints `{ "port": ... }` first. */
export interface Measurement {
  /** Microseconds of processor time (user and system) for each message; for an idle load, bytes of memory for each connection. */
  readonly cost: number
  /** Messages, deliveries or handshakes a second; 0 for an idle load. */
  readonly perSecond: number
  /** Microseconds from sending a message to receiving its answer; undefined if there are no answers. */
  readonly p50: number | undefined
  readonly p99: number | undefined
  /** The resident memory of the process at the end, in bytes. */
  readonly memory: number
  /** The share of a core that the process used, and the share that the generator used. */
  readonly busy: number
  readonly generatorBusy: number
}
