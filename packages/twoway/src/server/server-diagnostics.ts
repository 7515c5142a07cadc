import type { SendResult } from '../core/connection-types.js'
import type { PlainLimits, ServerLimits } from '../core/limits.js'
import { Trace, type TracedOutcome } from '../core/observing/trace.js'
import type { Diagnostics, DiagnosticsChannel } from '../ports/diagnostics.js'
import type { PlainHandlers, ServerHandlers } from './handler-types.js'
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
  /**
   * The program sent a message, by `send` or for each connection by `broadcast`. Not published for `sendStream`. Do not
   * change its bytes.
   */
  readonly 'twoway:send': OnSocket & { readonly message: string | Uint8Array; readonly result: SendResult }
  /** Something failed. Published before the handler `error` is called. */
  readonly 'twoway:error': OnServer & {
    /** Undefined if the connection was not open yet. */
    readonly socket: ServerSocket<unknown> | undefined
    /** The value that was thrown; an Error unless a handler threw another value. */
    readonly error: unknown
    /** The name under which `metrics().errors` counts it. */
    readonly code: string
    readonly fault: Fault
  }
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

/**
 * The side that caused an error:
 * - 'peer': it broke a rule of the protocol, or exceeded a limit on what it may send;
 * - 'network': the connection broke, the peer went silent, or it does not read;
 * - 'program': a handler of this program threw, or the system refused a resource.
 */
export type Fault = 'peer' | 'network' | 'program'

/**
 * The contexts of the traced operations, by the name for `tracingChannel` of node:diagnostics_channel.
 * @remarks All five channels of one operation get the same object; a subscriber may add fields of its own.
 */
export interface ServerTraces {
  /**
   * An opening handshake: from the end of the request's head to the answer. Its call runs `upgrade`, and if that decides
   * at once, the handler `open` too.
   */
  readonly 'twoway:handshake': OnServer &
    TracedOutcome & {
      /** Undefined if the handshake was refused before its head was read. */
      readonly request: IncomingRequest | undefined
      readonly remoteAddress: string | undefined
      /** The status of the answer, at the end; undefined if the peer left first. */
      status?: number | undefined
    }
  /** A handler of the program: from its call until it returns, or until the promise that it returned is settled. */
  readonly 'twoway:handler': OnServer &
    TracedOutcome & {
      readonly handler: HandlerName
      /** Undefined for `upgrade` and `request`. */
      readonly socket: ServerSocket<unknown> | undefined
      /** The handler's argument: the message, the stream, the result of the connection, or the request. */
      readonly argument: unknown
    }
}

/** The handlers whose calls are traced and measured. */
export type HandlerName = Exclude<keyof ServerHandlers<unknown> | keyof PlainHandlers, 'error'>

/** The channels of a server, by event. */
export class ServerChannels {
  readonly tracedHandshake: Trace
  readonly tracedHandler: Trace
  readonly handshake: DiagnosticsChannel
  readonly open: DiagnosticsChannel
  readonly message: DiagnosticsChannel
  readonly ping: DiagnosticsChannel
  readonly backpressure: DiagnosticsChannel
  readonly send: DiagnosticsChannel
  readonly error: DiagnosticsChannel
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
    this.send = channel('twoway:send')
    this.error = channel('twoway:error')
    this.drop = channel('twoway:drop')
    this.limit = channel('twoway:limit')
    this.close = channel('twoway:close')
    const traced = (name: keyof ServerTraces): Trace => new Trace(diagnostics, name)
    this.tracedHandshake = traced('twoway:handshake')
    this.tracedHandler = traced('twoway:handler')
  }
}
