import type { Clock, Timer } from '../ports/clock.js'
import type { Payload } from '../ports/payload.js'
import type { Transport, TransportSink } from '../ports/transport.js'
import type { BroadcastMessage } from './broadcast-message.js'
import type { BufferBudget } from './buffer-budget.js'
import {
  type CloseStatus,
  checkCloseStatus,
  closePayloadOf,
  readClosePayload,
  shortenReason,
} from './closing/close-payload.js'
import {
  type ClosingAction,
  type ClosingEvent,
  type ClosingState,
  closingHandshake,
} from './closing/closing-handshake.js'
import type { ConnectionEvents, ConnectionOptions, SendResult } from './connection-types.js'
import { closedWith, ProtocolError, TransportError, UsageError } from './errors.js'
import type { Extension } from './extensions/extension.js'
import { FrameParser } from './frames/frame-parser.js'
import { isControl, Opcode } from './frames/opcode.js'
import { Hold } from './hold.js'
import type { Limits } from './limits.js'
import { MessageEncoder } from './message-encoder.js'
import { MessageAssembler } from './messages/message-assembler.js'
import type { MessageSink } from './messages/message-sink.js'
import { MessageStreamer } from './messages/message-streamer.js'
import { type OutgoingLane, OutgoingMessage } from './messages/outgoing-message.js'
import { byReferenceBytes, Outbox } from './outbox.js'
import { ReceiveRate, type ReceiveRates } from './receive-rate.js'
import type { ScratchPool } from './scratch-pool.js'
import { SendLine } from './send-line.js'

/** Why a connection does not read; several may hold at once. */
const Stop = {
  /** Its owner paused it. */
  paused: 1,
  /** What it was sent to answer its peer's messages has not gone: the peer does not read. */
  backlog: 2,
  /** It has had its share of this turn. */
  yielding: 4,
  /** A handler that is waited for is not done. */
  handler: 8,
  /** What it was sent is being decoded elsewhere. */
  decoding: 16,
  /** What came of a message waits for its reader, or all of it does. */
  reader: 32,
} as const

type Stop = (typeof Stop)[keyof typeof Stop]

/** Those for which the peer can do nothing. */
const ownStops = Stop.paused | Stop.handler | Stop.reader

/**
 * Frames of one connection that are parsed in one go, so that a flood of tiny ones leaves the others their turn:
 * about a millisecond's worth, with a handler that answers each.
 */
const framesPerTurn = 1024

/** The same for octets that an extension makes of what came: a read of 64 KiB can unfold to a thousand times that. */
const decodedBytesPerTurn = 1 << 20

const finBit = 0x80
const longestControlPayload = 125

/** Where the connection can't go on, what is not framed yet is not sent. */
const dropsMessages: ReadonlySet<ClosingEvent> = new Set(['fail', 'timeout', 'terminate', 'lost'])

/**
 * One endpoint's half of a connection after the opening handshake, RFC 6455 §5 to §7: bytes in, messages out, and back.
 *
 * Owns its transport. Messages are told of in their order, none after `close`, `terminate` or `fail` was called
 * or the peer's Close came. What a paused connection has not parsed is kept as a copy.
 */
export class Connection<Owner> implements TransportSink {
  readonly #role: 'client' | 'server'
  readonly #transport: Transport
  readonly #payload: Payload
  readonly #clock: Clock
  readonly #limits: Limits
  readonly #whenBufferFull: 'close' | 'drop'
  readonly #extension: Extension | undefined
  readonly #encoder: MessageEncoder | undefined
  readonly #budget: BufferBudget | undefined
  readonly #owner: Owner
  readonly #events: ConnectionEvents<Owner>
  readonly #parser: FrameParser
  readonly #sink: MessageSink
  readonly #outbox: Outbox
  readonly #hold: Hold
  readonly #rates: ReceiveRates | undefined
  /** Undefined where the peer may send any amount. */
  readonly #rate: ReceiveRate | undefined
  readonly #scratchPool: ScratchPool

  #state: ClosingState = 'open'
  #sentStatus: CloseStatus = { code: 1005, reason: '' }
  #peerStatus: CloseStatus = { code: 1006, reason: '' }
  #closeTimer: Timer | undefined
  #parsing = false
  #stops = 0
  #peerEnded = false
  #heard = false
  #receivedBytes = 0
  #takenBefore = 0
  #waitedBefore = false
  /** What this connection counts in the budget. */
  #backlog = 0
  #oweDrain = false
  /** What is sent while a message goes out in pieces. */
  #line: SendLine | undefined
  #decoding = false
  #decodedBytes = 0
  #decodedMessage: string | Uint8Array | undefined
  #control: Uint8Array | undefined
  #controlLength = 0
  #waitingPong: Uint8Array | undefined

  constructor({
    role,
    transport,
    ports,
    limits,
    rates,
    whenBufferFull,
    extension,
    streamsMessages,
    budget,
    owner,
    events,
  }: ConnectionOptions<Owner>) {
    this.#role = role
    this.#transport = transport
    this.#payload = ports.payload
    this.#clock = ports.clock
    this.#scratchPool = ports.scratchPool
    this.#limits = limits
    this.#whenBufferFull = whenBufferFull
    this.#extension = extension
    this.#budget = budget
    this.#owner = owner
    this.#events = events
    this.#parser = new FrameParser(role, ports.payload, extension?.messageBits)
    this.#sink =
      streamsMessages === true
        ? new MessageStreamer(ports.payload, ports.clock, limits, {
            began: (message) => events.messageStream?.(owner, message),
            mayRead: (may) => this.#letReadStream(may),
          })
        : new MessageAssembler(ports.payload, limits.maxMessageBytes)
    this.#outbox = new Outbox(transport, ports, role === 'client' ? ports.random : undefined, this.#onFlush)
    this.#hold = new Hold(ports.payload)
    this.#rates = rates
    this.#rate = rates && ReceiveRate.of(rates, ports.clock.now())
    this.#encoder = extension && new MessageEncoder(extension, this.#outbox, ports, role === 'server', this.#onFlush)
  }

  get state(): ClosingState {
    return this.#state
  }

  /** Octets not yet handed to the network: of frames, and of messages that are not framed yet. */
  get waitingBytes(): number {
    return this.#outbox.waitingBytes + (this.#encoder?.waitingBytes ?? 0) + (this.#line?.waitingBytes ?? 0)
  }

  /** Octets that came from the network since the start. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Octets framed for the network since the start. */
  get framedBytes(): number {
    return this.#outbox.appendedBytes
  }

  /** Octets framed since the start, and those of messages that are not framed yet. */
  get appendedBytes(): number {
    const { appendedBytes } = this.#outbox
    return this.#encoder === undefined
      ? appendedBytes
      : appendedBytes + this.#encoder.waitingBytes + this.#encoder.savedBytes
  }

  /** Octets received and held: of a message that is not complete, and what a pause left unparsed. */
  get heldBytes(): number {
    return this.#sink.heldBytes + this.#hold.length + (this.#extension?.heldBytes ?? 0)
  }

  get isPaused(): boolean {
    return (this.#stops & Stop.paused) !== 0
  }

  /**
   * Whether the peer has shown life since this was asked last: something came, or the network took what waited.
   * A peer that is not read can't show it: it is taken for alive, unless something waits that the network does not take.
   */
  takeHeard(): boolean {
    const waiting = this.#outbox.waitingBytes
    const taken = this.#outbox.appendedBytes - waiting
    const isUnread = (this.#stops & ownStops) !== 0
    const heard = this.#heard || (this.#waitedBefore ? taken > this.#takenBefore : isUnread)
    this.#heard = false
    this.#takenBefore = taken
    // What waits for nothing is taken by the network whether the peer lives or not.
    this.#waitedBefore = waiting > 0
    return heard
  }

  /**
   * Sends a message, text for a string and binary for bytes. Long bytes are not copied where the role does not mask
   * them: leave them unchanged until they have gone.
   * @param compress what an extension that compresses is to do with this message, where not as it sees fit
   */
  send(message: string | Uint8Array, compress?: boolean, broadcast?: BroadcastMessage): SendResult {
    if (this.#state !== 'open') return 'closed'
    if (this.#isBufferFull()) return this.#refuseMessage()
    if (this.#line !== undefined) this.#enqueue(this.#line, message, compress)
    else if (broadcast !== undefined && this.#encoder === undefined) this.#outbox.addFrame(broadcast.frame)
    else this.#transmit(message, compress)
    const waiting = this.waitingBytes
    if (waiting <= this.#limits.highWaterMarkBytes) return 'sent'
    this.#countBacklog(waiting)
    this.#oweDrain = true
    return 'buffered'
  }

  /**
   * Sends a message in pieces, which the caller writes once its turn has come: at once, or when all that was sent before
   * has been framed. What is sent after it waits until it is over. The connection is open.
   * @param onClosed the connection has left the open state before the message was over
   */
  sendInPieces(
    type: 'text' | 'binary' | undefined,
    onClosed: (error: Error) => void,
    fragmentBytes?: number,
  ): OutgoingMessage {
    const message = new OutgoingMessage(this.#lane(), type, onClosed, fragmentBytes)
    if (this.#line === undefined) {
      this.#line = new SendLine(message, {
        transmit: (next, compress) => this.#transmit(next, compress),
        afterwards: (action) => this.#afterMessages(action),
      })
    } else this.#line.addOutgoing(message)
    return message
  }

  /** Sends a Ping, RFC 6455 §5.5.2. */
  ping(payload: Uint8Array): void {
    if (payload.length > longestControlPayload) {
      throw new UsageError(
        'controlPayloadTooLong',
        `a ping takes at most ${longestControlPayload} octets, this one has ${payload.length}: shorten it`,
      )
    }
    if (this.#state === 'open') this.#outbox.addBytes(finBit | Opcode.ping, payload, 0, payload.length)
  }

  /** Has `drain` told once no more than the high-water mark waits, as after a `send` that answered 'buffered'. */
  askForDrain(): void {
    this.#oweDrain = true
  }

  /** Starts the closing handshake; without a code, the Close carries none. Nothing happens where it has started. */
  close(code?: number, reason = ''): void {
    checkCloseStatus(this.#payload, code, reason)
    if (this.#state !== 'open') return
    this.#sentStatus = { code: code ?? 1005, reason }
    this.#move('close')
  }

  /** Fails the connection, §7.1.7: sends a Close with this status where none was sent, and ends. A long reason is shortened. */
  fail(code: number, reason = ''): void {
    if (closingHandshake[this.#state].fail === undefined) return
    this.#sentStatus = { code, reason: shortenReason(this.#payload, reason) }
    this.#move('fail')
  }

  /** Drops the connection at once, with what is waiting; with `reset`, by a reset where the transport can. */
  terminate(reset = false): void {
    if (this.#state === 'closed') return
    if (reset) this.#transport.destroy(true)
    this.#move('terminate')
  }

  /** Stops parsing and reading. */
  pause(): void {
    if (this.#state === 'open') this.#stop(Stop.paused)
  }

  /** Goes on after `pause`; what was held is delivered later than this call returns. */
  resume(): void {
    this.#go(Stop.paused)
  }

  /** Stops parsing and reading until `handlerDone`: a handler that is waited for has begun. */
  awaitHandler(): void {
    if (this.#state === 'open') this.#stop(Stop.handler)
  }

  /** Goes on after `awaitHandler`, as `resume` does after `pause`. */
  handlerDone(): void {
    this.#go(Stop.handler)
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    this.#heard = true
    this.#receivedBytes += end - start
    if (this.#rate !== undefined && !this.#mayTake(this.#rate, end - start)) return
    if (this.#parsing || this.#stops !== 0 || this.#hold.length > 0) {
      if (this.#reads) this.#hold.append(bytes, start, end)
      return
    }
    this.#parse(bytes, start, end)
    if (this.#hold.length > 0 || this.#peerEnded) this.#parseHeld()
  }

  drained(): void {
    this.#sendWaitingPong()
    this.#settleBacklog()
  }

  ended(): void {
    this.#peerEnded = true
    if (!this.#parsing && this.#stops === 0 && this.#hold.length === 0) this.#move('peerEnd')
  }

  closed(error?: Error): void {
    const wasClean = this.#state === 'closesExchanged'
    const wasOpen = this.#state === 'open'
    if (error !== undefined) this.#sink.release(asTransportError(error))
    this.#move('lost')
    this.#closeTimer?.cancel()
    this.#hold.clear()
    this.#sink.release()
    this.#encoder?.cancel()
    this.#countBacklog(0)
    if (wasOpen && error !== undefined) this.#events.error(this.#owner, asTransportError(error))
    this.#events.closed(this.#owner, { ...this.#peerStatus, wasClean })
  }

  /** Whether what arrives still has a meaning: our side waits for messages, or for the peer's Close. */
  get #reads(): boolean {
    return this.#state === 'open' || this.#state === 'closeSent'
  }

  /** Parses until the range ends or reading has to stop; what is left then is held. */
  #parse(bytes: Uint8Array, start: number, end: number): void {
    const appendedBefore = this.appendedBytes
    let at = start
    let steps = 0
    this.#parsing = true
    this.#decodedBytes = 0
    this.#outbox.cork()
    try {
      while (at < end && this.#reads && this.#stops === 0) {
        at = this.#step(bytes, at, end)
        steps += 1
        if ((steps === framesPerTurn || this.#decodedBytes >= decodedBytesPerTurn) && at < end) this.#yield()
        if (this.appendedBytes !== appendedBefore && this.#peerLagsBehind) this.#stop(Stop.backlog)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#failBy(error)
    } finally {
      this.#parsing = false
      this.#outbox.uncork()
    }
    if (!this.#reads) this.#hold.clear()
    else if (at < end) this.#hold.prepend(bytes, at, end)
    this.#settleBacklog()
  }

  /** Parses what is held: from before a pause, or from reads that came while another was being parsed. */
  readonly #parseHeld = (): void => {
    while (this.#hold.length > 0 && this.#stops === 0 && !this.#parsing) {
      const { start, end } = this.#hold
      this.#parse(this.#hold.take(), start, end)
    }
    if (this.#hold.length === 0) this.#hold.clear()
    if (this.#peerEnded && this.#stops === 0 && !this.#parsing) this.#move('peerEnd')
  }

  #step(bytes: Uint8Array, at: number, end: number): number {
    const parser = this.#parser
    if (!parser.read(bytes, at, end)) return end
    if (this.#rate !== undefined && parser.begins) this.#countFrame(this.#rate, parser)
    if (isControl(parser.opcode)) this.#readControl(bytes, parser)
    else if (this.#state === 'open') this.#readData(bytes, parser)
    return parser.end
  }

  #mayTake(rate: ReceiveRate, length: number): boolean {
    if (rate.takeBytes(length, this.#clock.now())) return true
    this.#failBy(new ProtocolError('tooManyBytes', `${this.#rates!.maxBytesPerSecond} a second at most`))
    return false
  }

  #countFrame(rate: ReceiveRate, { opcode, length }: FrameParser): void {
    if (rate.takeFrame(opcode === Opcode.continuation, length, this.#clock.now())) return
    throw new ProtocolError('tooManyMessages', `${this.#rates!.maxMessagesPerSecond} a second at most`)
  }

  #readData(bytes: Uint8Array, parser: FrameParser): void {
    const sink = this.#sink
    if (parser.begins) {
      if (parser.opcode !== Opcode.continuation) this.#decoding = parser.reservedBits !== 0
      sink.beginFrame(parser.opcode, parser.fin, this.#decoding ? undefined : parser.length)
    }
    const message = this.#decoding
      ? this.#decode(bytes, parser)
      : sink.add(bytes, parser.start, parser.end, parser.remaining, parser.isAscii)
    if (message !== undefined) this.#events.message(this.#owner, message)
  }

  #decode(bytes: Uint8Array, parser: FrameParser): string | Uint8Array | undefined {
    const last = parser.fin && parser.remaining === 0
    const result = this.#extension!.decode(bytes, parser.start, parser.end, last, this.#addDecoded, this.#decoded)
    if (result === 'later') this.#stop(Stop.decoding)
    return this.#takeDecoded()
  }

  readonly #addDecoded = (bytes: Uint8Array, start: number, end: number, last: boolean): void => {
    this.#decodedBytes += end - start
    this.#decodedMessage = this.#sink.addDecoded(bytes, start, end, last)
  }

  #takeDecoded(): string | Uint8Array | undefined {
    const message = this.#decodedMessage
    this.#decodedMessage = undefined
    return message
  }

  /** What took longer to decode is done: told of as from within a read, and reading goes on. */
  readonly #decoded = (error?: unknown): void => {
    const message = this.#takeDecoded()
    if (error instanceof ProtocolError) {
      this.#failBy(error)
    } else if (error !== undefined) {
      throw error
    } else if (message !== undefined) {
      this.#outbox.cork()
      this.#events.message(this.#owner, message)
      this.#outbox.uncork()
      if (this.#peerLagsBehind) this.#stop(Stop.backlog)
    }
    this.#go(Stop.decoding)
  }

  /** A control frame is at most 125 octets: where a read cuts it, its payload is gathered. */
  #readControl(bytes: Uint8Array, parser: FrameParser): void {
    if (parser.begins && parser.remaining === 0) {
      this.#takeControl(parser.opcode, bytes, parser.start, parser.end)
      return
    }
    if (parser.begins) this.#controlLength = 0
    this.#control ??= this.#payload.allocate(longestControlPayload)
    this.#control.set(bytes.subarray(parser.start, parser.end), this.#controlLength)
    this.#controlLength += parser.end - parser.start
    if (parser.remaining === 0) this.#takeControl(parser.opcode, this.#control, 0, this.#controlLength)
  }

  #takeControl(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    if (opcode === Opcode.close) this.#takeClose(readClosePayload(this.#payload, bytes, start, end))
    else if (opcode === Opcode.ping) this.#answerPing(bytes, start, end)
    else if (this.#state === 'open') this.#events.pong?.(this.#owner, this.#payload.copy(bytes, start, end))
  }

  #takeClose(status: CloseStatus): void {
    this.#peerStatus = status
    // §5.5.1: an answer usually echoes the code; with the reason too, who closed first sees that it was understood.
    if (this.#state === 'open') this.#sentStatus = status
    this.#move('peerClose')
  }

  /**
   * A Ping is answered until the peer's Close has come, §5.5.2. Where the network does not keep up only the latest is,
   * as §5.5.3 allows.
   */
  #answerPing(bytes: Uint8Array, start: number, end: number): void {
    if (this.#networkLags) {
      this.#waitingPong = this.#payload.copy(bytes, start, end)
    } else {
      this.#waitingPong = undefined
      this.#outbox.addBytes(finBit | Opcode.pong, bytes, start, end)
    }
  }

  #sendWaitingPong(): void {
    const pong = this.#waitingPong
    if (pong === undefined || !this.#reads) return
    this.#waitingPong = undefined
    this.#outbox.addBytes(finBit | Opcode.pong, pong, 0, pong.length)
  }

  #transmit(message: string | Uint8Array, compress: boolean | undefined): void {
    if (this.#encoder !== undefined) this.#encoder.send(message, compress)
    else if (typeof message === 'string') this.#outbox.addText(finBit | Opcode.text, message)
    else this.#outbox.addBytes(finBit | Opcode.binary, message, 0, message.length)
  }

  /** Short bytes may be changed after `send`, so they wait as a copy. */
  #enqueue(line: SendLine, message: string | Uint8Array, compress: boolean | undefined): void {
    const isText = typeof message === 'string'
    const octets = isText ? this.#payload.byteLength(message) : message.length
    const own = isText || octets >= byReferenceBytes ? message : this.#payload.copy(message, 0, octets)
    line.add({ message: own, octets, compress })
  }

  #lane(): OutgoingLane {
    return {
      outbox: this.#outbox,
      payload: this.#payload,
      clock: this.#clock,
      scratchPool: this.#scratchPool,
      highWaterMarkBytes: this.#limits.highWaterMarkBytes,
      leave: (message) => {
        if (this.#line?.leave(message)) this.#line = undefined
        this.#clock.task(this.#settleBacklog)
      },
    }
  }

  #isBufferFull(): boolean {
    const waiting = this.waitingBytes
    if (waiting > this.#limits.maxBufferedBytes) return true
    return waiting > this.#limits.highWaterMarkBytes && this.#budget?.isExceeded === true
  }

  #countBacklog(waiting: number): void {
    this.#budget?.change(this.#backlog, waiting)
    this.#backlog = waiting
  }

  #refuseMessage(): SendResult {
    if (this.#whenBufferFull === 'drop') return 'dropped'
    const waiting = this.waitingBytes
    const code = waiting > this.#limits.maxBufferedBytes ? 'bufferFull' : 'totalBufferFull'
    const reason = `${waiting} octets wait for the peer to read them`
    this.fail(1013, reason)
    const error = new TransportError(`${reason}; ${closedWith(1013)}`, { code })
    this.#events.error(this.#owner, error)
    return 'closed'
  }

  /** A task of its own lets the others have their turn, where a handler sends until it is answered 'buffered'. */
  readonly #onFlush = (): void => {
    if (this.#oweDrain || this.#stops !== 0 || this.#line !== undefined) this.#clock.task(this.#settleBacklog)
  }

  /** What waits may have gone: reading goes on, and the owner is told who was answered 'buffered'. */
  readonly #settleBacklog = (): void => {
    this.#line?.proceed()
    if (this.#stops === 0 && !this.#oweDrain) return
    if (!this.#peerLagsBehind) this.#go(Stop.backlog)
    if (this.#state !== 'open' || this.#isAboveMark) return
    if (this.#backlog > 0) this.#countBacklog(0)
    if (!this.#oweDrain) return
    this.#oweDrain = false
    this.#events.drain(this.#owner)
  }

  /**
   * Whether the peer is to be read no further, as it does not take the answers: a server's echo can't be made to
   * buffer. A client reads on, or two that wait for each other would wait for ever.
   */
  get #peerLagsBehind(): boolean {
    if (this.#role !== 'server' || this.#state !== 'open') return false
    // A message that goes out in pieces may be made of the one that comes: what waits behind it must not stop that.
    return this.#isStreaming ? this.#networkLags : this.#isAboveMark
  }

  get #isAboveMark(): boolean {
    return this.waitingBytes > this.#limits.highWaterMarkBytes
  }

  /** Whether messages are handed over while they arrive, and one is on its way. */
  get #isStreaming(): boolean {
    return this.#sink.isStreaming === true
  }

  get #networkLags(): boolean {
    return this.#outbox.waitingBytes > this.#limits.highWaterMarkBytes
  }

  #yield(): void {
    this.#stop(Stop.yielding)
    this.#clock.task(() => this.#go(Stop.yielding))
  }

  #stop(why: Stop): void {
    if (this.#stops === 0) {
      this.#transport.pause()
      this.#rate?.stop(this.#clock.now())
    }
    this.#stops |= why
  }

  #go(why: number): void {
    if ((this.#stops & why) === 0) return
    this.#stops &= ~why
    if (this.#stops !== 0) return
    this.#rate?.go(this.#clock.now())
    this.#transport.resume()
    if (this.#hold.length > 0 || this.#peerEnded) this.#clock.defer(this.#parseHeld)
  }

  #letReadStream(may: boolean): void {
    if (may) this.#go(Stop.reader)
    else if (this.#state === 'open') this.#stop(Stop.reader)
  }

  #failBy(error: ProtocolError): void {
    this.#sink.release(error)
    this.fail(error.closeCode, error.reason)
    this.#events.error(this.#owner, error)
  }

  #move(event: ClosingEvent): void {
    const move = closingHandshake[this.#state][event]
    if (move === undefined) return
    const wasOpen = this.#state === 'open'
    this.#state = move.next
    if (dropsMessages.has(event)) this.#encoder?.cancel()
    for (const action of move.actions) Connection.#perform[action](this)
    if (!wasOpen) return
    this.#sink.release()
    this.#extension?.stopDecoding()
    this.#line?.close(new TransportError('the connection closed before what was sent had gone'))
    this.#line = undefined
    // What is held or still comes is only looked through for the peer's Close now.
    this.#go(this.#stops)
    this.#events.closing?.(this.#owner)
  }

  #afterMessages(action: () => void): void {
    if (this.#encoder === undefined) action()
    else this.#encoder.afterwards(action)
  }

  static readonly #perform: { readonly [action in ClosingAction]: (connection: Connection<unknown>) => void } = {
    sendClose(connection) {
      const payload = closePayloadOf(connection.#payload, connection.#sentStatus)
      connection.#afterMessages(() => connection.#outbox.addBytes(finBit | Opcode.close, payload, 0, payload.length))
    },
    startTimer(connection) {
      connection.#closeTimer?.cancel()
      const { closeTimeoutMs } = connection.#limits
      connection.#closeTimer = connection.#clock.after(closeTimeoutMs, () => connection.#move('timeout'))
    },
    end(connection) {
      connection.#afterMessages(() => {
        connection.#outbox.flush()
        connection.#transport.end()
      })
    },
    endIfServer(connection) {
      if (connection.#role === 'server') Connection.#perform.end(connection)
    },
    destroy(connection) {
      connection.#transport.destroy()
    },
  }
}

function asTransportError(error: Error): TransportError {
  return error instanceof TransportError
    ? error
    : new TransportError(`the connection was lost: ${error.message}`, { cause: error })
}
