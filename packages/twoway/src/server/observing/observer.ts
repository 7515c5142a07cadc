import { describeCloseCode } from '../../core/closing/close-code.js'
import type { CloseResult, SendResult } from '../../core/connection-types.js'
import { ProtocolError, TransportError } from '../../core/errors.js'
import { isThenable } from '../../core/is-thenable.js'
import { type PlainLimits, plainLimitOptions, type ServerLimits, serverLimits } from '../../core/limits.js'
import { SizeTally, TimeTally } from '../../core/observing/histogram.js'
import type { TracedOutcome } from '../../core/observing/trace.js'
import type { Clock } from '../../ports/clock.js'
import type { Diagnostics } from '../../ports/diagnostics.js'
import type { IncomingRequest } from '../handshake/incoming-request.js'
import { type Fault, type HandlerName, ServerChannels } from '../server-diagnostics.js'
import type { CountsByName, ServerMetrics } from '../server-metrics.js'
import type { Server, ServerSocket } from '../server-types.js'
import { HandshakeTrace } from './handshake-trace.js'

/** The limit that causes each error, by the code of the error. */
const limitOfError: { readonly [code: string]: keyof ServerLimits | undefined } = {
  messageTooBig: 'maxMessageBytes',
  tooManyMessages: 'maxMessagesPerSecond',
  tooManyBytes: 'maxBytesPerSecond',
  bufferFull: 'maxBufferedBytes',
  totalBufferFull: 'maxTotalBufferedBytes',
  totalReceiveFull: 'maxTotalReceiveBytes',
  messageTooSlow: 'messageTimeoutMs',
  peerSilent: 'idleTimeoutMs',
}

/** The counts and limits of this moment that an observer does not keep. */
export type CountsOfNow = Pick<
  ServerMetrics,
  | 'connectionsLimit'
  | 'handshakesWaiting'
  | 'bufferedBytesLimit'
  | 'receiveBytes'
  | 'receiveBytesLimit'
  | 'memoryBytes'
  | 'memoryTuning'
  | 'transport'
  | 'hub'
>

interface ObserverPorts {
  readonly diagnostics: Diagnostics
  readonly clock: Clock
}

/** A connection and its counts. */
interface ObservedSocket extends ServerSocket<unknown> {
  /** Bytes that came from the network. */
  readonly receivedBytes: number
  /** Bytes framed for the network. */
  readonly sentBytes: number
  /** Payload bytes of the message that is being delivered. */
  readonly messageBytes: number
}

function faultOf(error: unknown): Fault {
  if (error instanceof ProtocolError) return 'peer'
  return error instanceof TransportError ? 'network' : 'program'
}

function isLimit(reason: string): reason is keyof ServerLimits | keyof PlainLimits {
  return Object.hasOwn(serverLimits, reason) || Object.hasOwn(plainLimitOptions, reason)
}

class Tally {
  readonly #counts = new Map<number | string, number>()

  add(name: number | string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  get all(): CountsByName {
    return Object.fromEntries(this.#counts)
  }
}

/**
 * Counts events of a server and publishes them on the diagnostics channels; the other classes only report events to it.
 * For a channel without listeners no object is made.
 */
export class Observer {
  readonly server: Server<unknown>
  readonly #channels: ServerChannels
  readonly #clock: Clock
  readonly #measuresHandlers: boolean
  #opened = 0
  #closed = 0
  #handshakesLeft = 0
  #receivedStreams = 0
  #sentStreams = 0
  #droppedMessages = 0
  #backpressures = 0
  #pings = 0
  #roundTrips = 0
  #roundTripMs = 0
  /** The counts of the connections that are gone. */
  #receivedBytes = 0
  #sentBytes = 0
  readonly #receivedSizes = new SizeTally()
  readonly #sentSizes = new SizeTally()
  readonly #roundTripTimes = new TimeTally()
  readonly #handlerTimes = new Map<HandlerName, TimeTally>()
  readonly #handshakes = new Tally()
  readonly #refusals = new Tally()
  readonly #closes = new Tally()
  readonly #limits = new Tally()
  readonly #errors = new Tally()

  constructor(server: Server<unknown>, { diagnostics, clock }: ObserverPorts, measuresHandlers: boolean) {
    this.server = server
    this.#clock = clock
    this.#measuresHandlers = measuresHandlers
    this.#channels = new ServerChannels(diagnostics)
  }

  /** @param now the counts and limits of this moment that are kept elsewhere */
  metrics(connections: Iterable<ObservedSocket>, now: CountsOfNow): ServerMetrics {
    let bufferedBytes = 0
    let receivedBytes = this.#receivedBytes
    let sentBytes = this.#sentBytes
    for (const socket of connections) {
      bufferedBytes += socket.bufferedAmount
      receivedBytes += socket.receivedBytes
      sentBytes += socket.sentBytes
    }
    return {
      connections: this.#opened - this.#closed,
      bufferedBytes,
      ...now,
      opened: this.#opened,
      closed: this.#closed,
      handshakes: this.#handshakes.all,
      refusals: this.#refusals.all,
      handshakesLeft: this.#handshakesLeft,
      receivedMessages: this.#receivedSizes.count + this.#receivedStreams,
      receivedBytes,
      sentMessages: this.#sentSizes.count + this.#sentStreams,
      sentBytes,
      droppedMessages: this.#droppedMessages,
      backpressures: this.#backpressures,
      pings: this.#pings,
      roundTrips: this.#roundTrips,
      roundTripMs: this.#roundTripMs,
      closes: this.#closes.all,
      limits: this.#limits.all,
      errors: this.#errors.all,
      histograms: {
        roundTripMs: this.#roundTripTimes.histogram,
        receivedMessageBytes: this.#receivedSizes.histogram,
        sentMessageBytes: this.#sentSizes.histogram,
        handlerMs: Object.fromEntries([...this.#handlerTimes].map(([name, { histogram }]) => [name, histogram])),
      },
    }
  }

  /** Starts to trace a handshake. Undefined without a listener. */
  traceHandshake(remoteAddress: string | undefined, request: IncomingRequest | undefined): HandshakeTrace | undefined {
    const trace = this.#channels.tracedHandshake
    if (!trace.hasSubscribers) return undefined
    return new HandshakeTrace(trace, { server: this.server, request, remoteAddress })
  }

  /** Whether calls of handlers are traced or measured: then they are to be made by `callHandler`. */
  get watchesHandlers(): boolean {
    return this.#measuresHandlers || this.#channels.tracedHandler.hasSubscribers
  }

  /** Calls a handler, traces the call and measures its time, with that of the promise that it returns. */
  callHandler(
    handler: HandlerName,
    socket: ObservedSocket | undefined,
    argument: unknown,
    call: () => unknown,
  ): unknown {
    const measured = this.#measuresHandlers ? () => this.#measure(handler, call) : call
    const trace = this.#channels.tracedHandler
    if (!trace.hasSubscribers) return measured()
    return trace.run({ server: this.server, handler, socket, argument } as TracedOutcome, measured)
  }

  #measure(handler: HandlerName, call: () => unknown): unknown {
    const start = this.#clock.now()
    const done = (): void => {
      const times = this.#handlerTimes.get(handler) ?? new TimeTally()
      this.#handlerTimes.set(handler, times)
      times.add(this.#clock.now() - start)
    }
    let isOver = true
    try {
      const returned = call()
      if (!isThenable(returned)) return returned
      isOver = false
      returned.then(done, done)
      return returned
    } finally {
      if (isOver) done()
    }
  }

  handshakeAnswered(
    status: number,
    remoteAddress: string | undefined,
    request?: IncomingRequest,
    trace?: HandshakeTrace,
  ): void {
    this.#handshakes.add(status)
    trace?.answered(status)
    this.#tellHandshake(status, remoteAddress, request)
  }

  handshakeLeft(request: IncomingRequest, trace?: HandshakeTrace): void {
    this.#handshakesLeft += 1
    trace?.answered(undefined)
    this.#tellHandshake(undefined, request.remoteAddress, request)
  }

  /**
   * A handshake, a plain request or a connection without a request was refused.
   * @param reason undefined if the program refused it
   */
  refused(reason = 'upgrade', remoteAddress: string | undefined): void {
    this.#refusals.add(reason)
    if (isLimit(reason)) this.limitReached(reason, remoteAddress)
  }

  /** A limit refused a handshake or a plain request, or ended a connection. */
  limitReached(
    limit: keyof ServerLimits | keyof PlainLimits,
    remoteAddress: string | undefined,
    socket?: ObservedSocket,
  ): void {
    this.#limits.add(limit)
    const channel = this.#channels.limit
    if (channel.hasSubscribers) channel.publish({ server: this.server, limit, socket, remoteAddress })
  }

  opened(socket: ObservedSocket): void {
    this.#opened += 1
    const channel = this.#channels.open
    if (channel.hasSubscribers) channel.publish({ server: this.server, socket })
  }

  /** A message is delivered in pieces: it is counted, and not published. */
  receivedStream(): void {
    this.#receivedStreams += 1
  }

  received(socket: ObservedSocket, message: string | Uint8Array): void {
    this.#receivedSizes.add(socket.messageBytes)
    const channel = this.#channels.message
    if (channel.hasSubscribers) channel.publish({ server: this.server, socket, message })
  }

  /** A message was taken whole. */
  sent(bytes: number): void {
    this.#sentSizes.add(bytes)
  }

  get watchesSending(): boolean {
    return this.#channels.send.hasSubscribers
  }

  publishSending(socket: ObservedSocket, message: string | Uint8Array, result: SendResult): void {
    this.#channels.send.publish({ server: this.server, socket, message, result })
  }

  /** A message was sent in pieces: it is counted, and not published. */
  sentStream(): void {
    this.#sentStreams += 1
  }

  backpressure(socket: ObservedSocket): void {
    this.#backpressures += 1
    const channel = this.#channels.backpressure
    if (channel.hasSubscribers) channel.publish({ server: this.server, socket, bufferedBytes: socket.bufferedAmount })
  }

  dropped(socket: ObservedSocket): void {
    this.#droppedMessages += 1
    const channel = this.#channels.drop
    if (channel.hasSubscribers) channel.publish({ server: this.server, socket, bufferedBytes: socket.bufferedAmount })
  }

  pinged(): void {
    this.#pings += 1
  }

  roundTrip(socket: ObservedSocket, roundTripMs: number): void {
    this.#roundTrips += 1
    this.#roundTripMs += roundTripMs
    this.#roundTripTimes.add(roundTripMs)
    const channel = this.#channels.ping
    if (channel.hasSubscribers) channel.publish({ server: this.server, socket, roundTripMs })
  }

  /** Whether the errors of connections are published. */
  get watchesErrors(): boolean {
    return this.#channels.error.hasSubscribers
  }

  /** A connection was lost, by an error that no code sees. */
  countLoss(): void {
    this.#errors.add('connectionFailed')
  }

  /** The handler `error` is called, for a connection or for none. */
  failed(error: unknown, socket?: ObservedSocket): void {
    const fault = faultOf(error)
    const code = fault === 'program' ? 'handlerFailed' : (error as ProtocolError | TransportError).code
    this.#errors.add(code)
    const channel = this.#channels.error
    if (channel.hasSubscribers) channel.publish({ server: this.server, socket, error, code, fault })
    const limit = limitOfError[code]
    if (limit !== undefined) this.limitReached(limit, socket?.remoteAddress, socket)
  }

  closed(socket: ObservedSocket, { code, reason, wasClean }: CloseResult): void {
    this.#closed += 1
    this.#receivedBytes += socket.receivedBytes
    this.#sentBytes += socket.sentBytes
    this.#closes.add(code)
    const channel = this.#channels.close
    if (!channel.hasSubscribers) return
    channel.publish({ server: this.server, socket, code, reason, wasClean, meaning: describeCloseCode(code) })
  }

  #tellHandshake(
    status: number | undefined,
    remoteAddress: string | undefined,
    request: IncomingRequest | undefined,
  ): void {
    const channel = this.#channels.handshake
    if (channel.hasSubscribers) channel.publish({ server: this.server, status, request, remoteAddress })
  }
}
