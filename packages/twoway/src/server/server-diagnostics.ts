import type { PlainLimits, ServerLimits } from '../core/limits.js'
import type { Diagnostics, DiagnosticsChannel } from '../ports/diagnostics.js'
import type { IncomingRequest } from './handshake/incoming-request.js'
import type { Server, ServerSocket } from './server-types.js'

/** Names the server. */
interface OnServer {
  readonly server: Server<unknown>
}

/** Names the connection. */
interface OnSocket extends OnServer {
  readonly socket: ServerSocket<unknown>
}

/** The messages that a server publishes on each channel of node:diagnostics_channel. They belong to the listeners. */
export interface ServerDiagnostics {
  /** An opening handshake was answered, or its peer left first. */
  readonly 'twoway:handshake': OnServer & {
    /** 101 if it was accepted, another status if it was refused, undefined if the peer left. */
    readonly status: number | undefined
    /** Undefined if the handshake was refused before its head was read. */
    readonly request: IncomingRequest | undefined
    readonly remoteAddress: string | undefined
  }
  /** A connection is open. Published before the handler `open` is called. */
  readonly 'twoway:open': OnSocket
  /** A message arrived. Published before the handler `message` is called, which owns the bytes: do not change them. */
  readonly 'twoway:message': OnSocket & { readonly message: string | Uint8Array }
  /** A peer answered the heartbeat's Ping. */
  readonly 'twoway:ping': OnSocket & { readonly roundTripMs: number }
  /** More than `highWaterMarkBytes` are queued for a peer, for the first time since it was drained. */
  readonly 'twoway:backpressure': OnSocket & { readonly bufferedBytes: number }
  /** A message was dropped, because more than `maxBufferedBytes` were queued already. */
  readonly 'twoway:drop': OnSocket & { readonly bufferedBytes: number }
  /** A limit ended a connection, or refused a handshake or a plain request. */
  readonly 'twoway:limit': OnServer & {
    /** The name of the option. */
    readonly limit: keyof ServerLimits | keyof PlainLimits
    /** Undefined if a request was refused. */
    readonly socket: ServerSocket<unknown> | undefined
    readonly remoteAddress: string | undefined
  }
  /** A connection is gone. Published before the handler `close` is called. */
  readonly 'twoway:close': OnSocket & {
    readonly code: number
    readonly reason: string
    readonly wasClean: boolean
    /** The meaning of the code in words. */
    readonly meaning: string
  }
}

/** The channels of a server, by event. */
export class ServerChannels {
  readonly handshake: DiagnosticsChannel
  readonly open: DiagnosticsChannel
  readonly message: DiagnosticsChannel
  readonly ping: DiagnosticsChannel
  readonly backpressure: DiagnosticsChannel
  readonly drop: DiagnosticsChannel
  readonly limit: DiagnosticsChannel
  readonly close: DiagnosticsChannel

  constructor(diagnostics: Diagnostics) {
    const channel = (name: keyof ServerDiagnostics): DiagnosticsChannel => diagnostics.channel(name)
    this.handshake = channel('twoway:handshake')
    this.open = channel('twoway:open')
    this.message = channel('twoway:message')
    this.ping = channel('twoway:ping')
    this.backpressure = channel('twoway:backpressure')
    this.drop = channel('twoway:drop')
    this.limit = channel('twoway:limit')
    this.close = channel('twoway:close')
  }
}
