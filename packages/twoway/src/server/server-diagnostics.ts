import type { PlainLimits, ServerLimits } from '../core/limits.js'
import type { Diagnostics, DiagnosticsChannel } from '../ports/diagnostics.js'
import type { IncomingRequest } from './handshake/incoming-request.js'
import type { Server, ServerSocket } from './server-types.js'

/** Whose server it happened on. */
interface OnServer {
  readonly server: Server<unknown>
}

/** Whose connection it happened on. */
interface OnSocket extends OnServer {
  readonly socket: ServerSocket<unknown>
}

/** What a server publishes on each channel of node:diagnostics_channel. Messages are the listeners' own: nothing reads them after. */
export interface ServerDiagnostics {
  /** An opening handshake was answered, or its peer left before. */
  readonly 'twoway:handshake': OnServer & {
    /** 101 where it was accepted, another status where it was refused, undefined where the peer left. */
    readonly status: number | undefined
    /** Undefined where it was refused before it was read. */
    readonly request: IncomingRequest | undefined
    readonly remoteAddress: string | undefined
  }
  /** A connection stands; told before the handler `open` is called. */
  readonly 'twoway:open': OnSocket
  /** A message came; told before the handler `message` is called. Bytes are the handler's own: leave them unchanged. */
  readonly 'twoway:message': OnSocket & { readonly message: string | Uint8Array }
  /** A peer answered the heartbeat's Ping. */
  readonly 'twoway:ping': OnSocket & { readonly roundTripMs: number }
  /** More than `highWaterMarkBytes` waits for a peer, for the first time since it was drained. */
  readonly 'twoway:backpressure': OnSocket & { readonly bufferedBytes: number }
  /** A message was dropped, as more than `maxBufferedBytes` waited already. */
  readonly 'twoway:drop': OnSocket & { readonly bufferedBytes: number }
  /** A limit ended a connection, or refused a handshake or a plain request. */
  readonly 'twoway:limit': OnServer & {
    /** The option's name. */
    readonly limit: keyof ServerLimits | keyof PlainLimits
    /** Undefined where it refused a request. */
    readonly socket: ServerSocket<unknown> | undefined
    readonly remoteAddress: string | undefined
  }
  /** A connection is gone; told before the handler `close` is called. */
  readonly 'twoway:close': OnSocket & {
    readonly code: number
    readonly reason: string
    readonly wasClean: boolean
    /** What the code means, in words. */
    readonly meaning: string
  }
}

/** The channels of a server, by what they tell of. */
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
