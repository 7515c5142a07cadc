import { describeCloseCode } from '../core/closing/close-code.js'
import type { CloseResult } from '../core/connection-types.js'
import { ProtocolError, TransportError } from '../core/errors.js'
import type { PlainLimits, ServerLimits } from '../core/limits.js'
import type { Diagnostics } from '../ports/diagnostics.js'
import type { MemoryTuningCounts } from '../ports/memory-tuning.js'
import type { TransportReport } from '../ports/transport-report.js'
import type { IncomingRequest } from './handshake/incoming-request.js'
import { ServerChannels } from './server-diagnostics.js'
import type { CountsByName, ServerMetrics } from './server-metrics.js'
import type { Server, ServerSocket } from './server-types.js'

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

/** A connection and its counts. */
interface ObservedSocket extends ServerSocket<unknown> {
  /** Bytes that came from the network. */
  readonly receivedBytes: number
  /** Bytes framed for the network. */
  readonly sentBytes: number
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
  #opened = 0
  #closed = 0
  #handshakesLeft = 0
  #receivedMessages = 0
  #sentMessages = 0
  #droppedMessages = 0
  #backpressures = 0
  #pings = 0
  #roundTrips = 0
  #roundTripMs = 0
  /** The counts of the connections that are gone. */
  #receivedBytes = 0
  #sentBytes = 0
  readonly #handshakes = new Tally()
  readonly #closes = new Tally()
  readonly #limits = new Tally()
  readonly #errors = new Tally()

  constructor(server: Server<unknown>, diagnostics: Diagnostics) {
    this.server = server
    this.#channels = new ServerChannels(diagnostics)
  }

  metrics(
    connections: Iterable<ObservedSocket>,
    handshakesWaiting: number,
    receiveBudget: { readonly used: number; readonly limit: number },
    memoryTuning: MemoryTuningCounts,
    transport: TransportReport,
  ): ServerMetrics {
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
      handshakesWaiting,
      bufferedBytes,
      receiveBytes: receiveBudget.used,
      receiveBytesLimit: receiveBudget.limit,
      opened: this.#opened,
      closed: this.#closed,
      handshakes: this.#handshakes.all,
      handshakesLeft: this.#handshakesLeft,
      receivedMessages: this.#receivedMessages,
      receivedBytes,
      sentMessages: this.#sentMessages,
      sentBytes,
      droppedMessages: this.#droppedMessages,
      backpressures: this.#backpressures,
      pings: this.#pings,
      roundTrips: this.#roundTrips,
      roundTripMs: this.#roundTripMs,
      closes: this.#closes.all,
      limits: this.#limits.all,
      errors: this.#errors.all,
      memoryTuning,
      transport,
    }
  }

  handshakeAnswered(status: number, remoteAddress: string | undefined, request?: IncomingRequest): void {
    this.#handshakes.add(status)
    this.#tellHandshake(status, remoteAddress, request)
  }

  handshakeLeft(request: IncomingRequest): void {
    this.#handshakesLeft += 1
    this.#tellHandshake(undefined, request.remoteAddress, request)
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
    this.#receivedMessages += 1
  }

  received(socket: ObservedSocket, message: string | Uint8Array): void {
    this.#receivedMessages += 1
    const channel = this.#channels.message
    if (channel.hasSubscribers) channel.publish({ server: this.server, socket, message })
  }

  sent(): void {
    this.#sentMessages += 1
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
    const channel = this.#channels.ping
    if (channel.hasSubscribers) channel.publish({ server: this.server, socket, roundTripMs })
  }

  /** The handler `error` is called, for a connection or for none. */
  failed(error: unknown, socket?: ObservedSocket): void {
    const code = error instanceof ProtocolError || error instanceof TransportError ? error.code : 'handlerFailed'
    this.#errors.add(code)
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
