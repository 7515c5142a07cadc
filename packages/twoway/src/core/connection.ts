import type { Clock } from '../ports/clock.js'
import type { MemoryBudget } from '../ports/memory-budget.js'
import type { Payload } from '../ports/payload.js'
import type { Transport, TransportSink } from '../ports/transport.js'
import { type CloseStatus, checkCloseStatus, readClosePayload, shortenReason } from './closing/close-payload.js'
import { Closing, type ClosingOwner } from './closing/closing.js'
import type { ClosingEvent, ClosingState } from './closing/closing-handshake.js'
import type { ConnectionEvents, ConnectionOptions, SendResult } from './connection-types.js'
import { asTransportError, closedWith, ProtocolError, TransportError } from './errors.js'
import type { Extension } from './extensions/extension.js'
import type { Limits } from './limits.js'
import { isControl, Opcode } from './opcode.js'
import { FrameParser } from './receiving/frame-parser.js'
import { Hold } from './receiving/hold.js'
import { MessageAssembler } from './receiving/message-assembler.js'
import { type DecoderEvents, MessageDecoder } from './receiving/message-decoder.js'
import type { MessageSink } from './receiving/message-sink.js'
import { MessageStreamer } from './receiving/message-streamer.js'
import { ReadGate, Stop } from './receiving/read-gate.js'
import { ReceiveRate } from './receiving/receive-rate.js'
import { UnfinishedInput, type UnfinishedInputOwner } from './receiving/unfinished-input.js'
import { ControlFrames } from './sending/control-frames.js'
import { Outbox, type OutboxOwner } from './sending/outbox.js'
import type { OutgoingMessage, OutgoingOptions } from './sending/outgoing-message.js'
import { SendQueue, type SendQueueOwner, type WholeMessage } from './sending/send-queue.js'

/**
 * Frames of one connection that are parsed in one go, so that a flood of tiny ones leaves the others their turn:
 * about a millisecond's worth, with a handler that answers each.
 */
const framesPerTurn = 1024

/** The same for octets that an extension makes of what came: a read of 64 KiB can unfold to a thousand times that. */
const decodedBytesPerTurn = 1 << 20

/** Bytes of a header that a client's frame begins with, where its payload is short. */
const shortHeader = 6

/**
 * One endpoint's half of a connection after the opening handshake, RFC 6455 §5 to §7: bytes in, messages out, and back.
 *
 * Owns its transport. Messages are told of in their order, none after `close`, `terminate` or `fail` was called
 * or the peer's Close came. What a paused connection has not parsed is kept as a copy.
 */
export class Connection<Owner>
  implements TransportSink, OutboxOwner, SendQueueOwner, DecoderEvents, ClosingOwner, UnfinishedInputOwner
{
  readonly #role: 'client' | 'server'
  readonly #transport: Transport
  readonly #payload: Payload
  readonly #clock: Clock
  readonly #limits: Limits
  readonly #whenBufferFull: 'close' | 'drop'
  readonly #extension: Extension | undefined
  readonly #owner: Owner
  readonly #events: ConnectionEvents<Owner>
  readonly #parser: FrameParser
  readonly #sink: MessageSink
  readonly #control: ControlFrames
  readonly #queue: SendQueue
  readonly #outbox: Outbox
  readonly #gate: ReadGate
  readonly #hold: Hold
  /** Undefined where the peer may send any amount. */
  readonly #rate: ReceiveRate | undefined
  readonly #receiveBudget: MemoryBudget | undefined

  /** Undefined while the connection is open. */
  #closing: Closing | undefined
  #parsing = false
  #peerEnded = false
  #heard = false
  #receivedBytes = 0
  #takenBefore = 0
  #waitedBefore = false
  /** Whether an extension has changed the message that comes. */
  #decoding = false
  /** Made when such a message comes, for the turn, or until what takes longer is decoded: an idle connection has none. */
  #decoder: MessageDecoder | undefined
  /** There while something is received and not complete. */
  #unfinished: UnfinishedInput | undefined

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
    receiveBudget,
    owner,
    events,
  }: ConnectionOptions<Owner>) {
    this.#role = role
    this.#transport = transport
    this.#payload = ports.payload
    this.#clock = ports.clock
    this.#limits = limits
    this.#whenBufferFull = whenBufferFull
    this.#extension = extension
    this.#owner = owner
    this.#events = events
    this.#parser = new FrameParser(role, ports.payload, extension?.messageBits)
    if (streamsMessages === true) extension?.decodeForReader?.()
    this.#sink =
      streamsMessages === true
        ? this.#newStreamer()
        : new MessageAssembler(ports.payload, ports.scratchPool, limits.maxMessageBytes)
    this.#outbox = new Outbox(transport, ports, role === 'client' ? ports.random : undefined, this)
    this.#queue = new SendQueue(this.#outbox, extension, ports, limits, budget, this)
    this.#control = new ControlFrames(this.#outbox, ports.payload, limits.highWaterMarkBytes)
    this.#hold = new Hold(ports.payload)
    this.#rate = rates && ReceiveRate.of(rates, ports.clock.now())
    this.#gate = new ReadGate(transport, ports.clock, this.#rate)
    this.#receiveBudget = receiveBudget
  }

  get state(): ClosingState {
    return this.#closing?.state ?? 'open'
  }

  /** Bytes not yet handed to the network: of frames, and of messages that are not framed yet. */
  get waitingBytes(): number {
    return this.#queue.waitingBytes
  }

  /**
   * Of a client: bytes of messages that the network has not taken, without their frames and in the length they had before
   * an extension changed them. They do not fall within a task, nor for messages that will never go.
   */
  get unsentBytes(): number {
    return this.#queue.unsentBytes
  }

  /** Octets that came from the network since the start. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Octets framed for the network since the start. */
  get framedBytes(): number {
    return this.#outbox.appendedBytes
  }

  /** Bytes of memory taken for what was received: of a message that is not complete, and what a pause left unparsed. */
  get heldBytes(): number {
    return this.#sink.heldBytes + this.#hold.capacity + (this.#extension?.heldBytes ?? 0)
  }

  get isPaused(): boolean {
    return this.#gate.isPaused
  }

  /**
   * Whether the peer has shown life since this was asked last: something came, or the network took what waited.
   * A peer that is not read can't show it: it is taken for alive, unless something waits that the network does not take.
   */
  takeHeard(): boolean {
    const waiting = this.#outbox.waitingBytes
    const taken = this.#outbox.appendedBytes - waiting
    const heard = this.#heard || (this.#waitedBefore ? taken > this.#takenBefore : this.#gate.isClosedByUs)
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
  send(message: WholeMessage, compress?: boolean): SendResult {
    if (this.#closing !== undefined) return 'closed'
    if (this.#queue.isFull) return this.#refuseMessage()
    return this.#queue.send(message, compress)
  }

  /**
   * Sends a binary message of so many bytes that the caller still has to read: it calls the returned function with them,
   * which become the connection's. What is sent after it waits. Where the connection leaves the open state before, the
   * message and those behind it are dropped. The connection is open.
   */
  sendLater(length: number): (bytes: Uint8Array) => void {
    return this.#queue.sendLater(length)
  }

  /**
   * Sends a message in pieces, which the caller writes once its turn has come: at once, or when all that was sent before
   * has been framed. What is sent after it waits until it is over. The connection is open.
   * @param onClosed the connection has left the open state before the message was over
   */
  sendInPieces(options: OutgoingOptions, onClosed: (error: Error) => void): OutgoingMessage {
    return this.#queue.sendInPieces(options, onClosed)
  }

  /** Runs an action once no message goes out in pieces: now, where none does; also where they will not go. */
  afterPieces(action: () => void): void {
    this.#queue.afterStreams(action)
  }

  /** Sends a Ping, RFC 6455 §5.5.2. */
  ping(payload: Uint8Array): void {
    this.#control.checkPing(payload)
    if (this.#closing === undefined) this.#control.sendPing(payload)
  }

  /** Has `drain` told once no more than the high-water mark waits, as after a `send` that answered 'buffered'. */
  askForDrain(): void {
    this.#queue.askForDrain()
  }

  /** Starts the closing handshake; without a code, the Close carries none. Nothing happens where it has started. */
  close(code?: number, reason = ''): void {
    checkCloseStatus(this.#payload, code, reason)
    this.#move('close', { code: code ?? 1005, reason })
  }

  /** Fails the connection, §7.1.7: sends a Close with this status where none was sent, and ends. A long reason is shortened. */
  fail(code: number, reason = ''): void {
    this.#move('fail', { code, reason: shortenReason(this.#payload, reason) })
  }

  /** Drops the connection at once, with what is waiting; with `reset`, by a reset where the transport can. */
  terminate(reset = false): void {
    if (this.state === 'closed') return
    if (reset) this.#transport.destroy(true)
    this.#move('terminate')
  }

  /** Stops parsing and reading. */
  pause(): void {
    if (this.#closing === undefined) this.#gate.stop(Stop.paused)
  }

  /** Goes on after `pause`; what was held is delivered later than this call returns. */
  resume(): void {
    this.#go(Stop.paused)
  }

  /** Stops parsing and reading until `handlerDone`: a handler that is waited for has begun. */
  awaitHandler(): void {
    if (this.#closing === undefined) this.#gate.stop(Stop.handler)
  }

  /** Goes on after `awaitHandler`, as `resume` does after `pause`. */
  handlerDone(): void {
    this.#go(Stop.handler)
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    this.#heard = true
    this.#receivedBytes += end - start
    if (this.#rate !== undefined && !this.#mayTake(this.#rate, end - start)) return
    if (this.#parsing || !this.#gate.isOpen || this.#hold.length > 0) {
      if (this.#reads()) this.#hold.append(bytes, start, end)
      this.#countHeld()
      return
    }
    this.#parse(bytes, start, end)
    this.#sink.readEnds?.()
    if (this.#hold.length > 0 || this.#peerEnded) this.#parseHeld()
    this.#countHeld()
  }

  drained(): void {
    this.#outbox.drained()
    if (this.#reads()) this.#control.sendWaitingPong()
    this.settle()
  }

  /** What took longer to decode is told of as from within a read, and reading goes on. */
  decoded(message: string | Uint8Array | undefined): void {
    this.#decoder = undefined
    if (message !== undefined) {
      this.#outbox.cork()
      this.#events.message(this.#owner, message)
      this.#outbox.uncork()
      if (this.#peerLagsBehind()) this.#gate.stop(Stop.backlog)
    }
    this.#go(Stop.decoding)
    this.#countHeld()
  }

  decodingFailed(error: ProtocolError): void {
    this.#decoder = undefined
    this.#failBy(error)
    this.#go(Stop.decoding)
    this.#countHeld()
  }

  ended(): void {
    this.#peerEnded = true
    if (!this.#parsing && this.#gate.isOpen && this.#hold.length === 0) this.#move('peerEnd')
  }

  closed(error?: Error): void {
    // §7.1.4: a Close each way; ours may have waited for a message before it.
    const wasClean = this.state === 'closesExchanged' && this.#queue.hasClosed
    const wasOpen = this.#closing === undefined
    if (error !== undefined) this.#sink.release(asTransportError(error))
    const { code, reason } = this.#move('lost').peerStatus
    this.#hold.clear()
    this.#sink.release()
    this.#queue.release()
    this.#countHeld()
    if (wasOpen && error !== undefined) this.#events.error(this.#owner, asTransportError(error))
    // Spelt out: what Node 20 makes of `...` here outlives young collections, with all that hangs on it (7 us a connection).
    this.#events.closed(this.#owner, { code, reason, wasClean })
  }

  /** The server holds too much for all its peers, and more for this one than for most. */
  letGo(): void {
    const { limit } = this.#receiveBudget!
    const reason = `all peers together have sent more than ${limit} bytes that are not complete`
    const error = new TransportError(`${reason}; ${closedWith(1013)}`, { code: 'totalReceiveFull' })
    this.#sink.letGo?.(error)
    this.fail(1013, reason)
    this.#hold.clear()
    this.#events.error(this.#owner, error)
  }

  get waitsForRest(): boolean {
    return this.#closing === undefined && this.#awaitsRest && this.#gate.isUpToPeer
  }

  tooSlow(error: ProtocolError): void {
    this.#failBy(error)
  }

  /** Whether a message or a frame has begun of which the rest has not come. */
  get #awaitsRest(): boolean {
    return this.#sink.isUnderWay || this.#parser.isWithinFrame
  }

  /** Tells the budget what is held. Nothing is, and nothing is told, where reads bring whole messages. */
  #countHeld(): void {
    if (this.#receiveBudget === undefined) return
    const held = this.heldBytes
    if (held > 0 || (this.#awaitsRest && this.#closing === undefined)) {
      this.#unfinished ??= new UnfinishedInput(this, this.#receiveBudget, this.#clock.now())
      this.#unfinished.set(held)
    } else if (this.#unfinished !== undefined) {
      this.#unfinished.close()
      this.#unfinished = undefined
    }
  }

  /** Whether what arrives still has a meaning: our side waits for messages, or for the peer's Close. */
  #reads(): boolean {
    return this.#closing === undefined || this.#closing.state === 'closeSent'
  }

  /** Parses until the range ends or reading has to stop; what is left then is held. */
  #parse(bytes: Uint8Array, start: number, end: number): void {
    const queue = this.#queue
    // Reading stops for what it has made wait, so not before that is more than there is room for.
    const mayLagFrom = queue.appendedBytes + Math.max(0, this.#limits.highWaterMarkBytes - queue.waitingBytes)
    let at = start
    let steps = 0
    this.#parsing = true
    this.#outbox.cork()
    try {
      while (at < end && this.#reads() && this.#gate.isOpen) {
        at = this.#step(bytes, at, end)
        steps += 1
        const hadItsShare = steps === framesPerTurn || (this.#decoder?.octets ?? 0) >= decodedBytesPerTurn
        if (hadItsShare && at < end) this.#yield()
        if (queue.appendedBytes > mayLagFrom && this.#peerLagsBehind()) this.#gate.stop(Stop.backlog)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#failBy(error)
    } finally {
      this.#parsing = false
      if (this.#decoder?.isBusy === false) this.#decoder = undefined
      this.#outbox.uncork()
    }
    if (!this.#reads()) this.#hold.clear()
    else if (at < end) this.#hold.prepend(bytes, at, end)
    this.settle()
  }

  /** Parses what is held: from before a pause, or from reads that came while another was being parsed. */
  #parseHeld(): void {
    while (this.#hold.length > 0 && this.#gate.isOpen && !this.#parsing) {
      const { start, end } = this.#hold
      this.#parse(this.#hold.take(), start, end)
      this.#sink.readEnds?.()
    }
    if (this.#hold.length === 0) this.#hold.clear()
    if (this.#peerEnded && this.#gate.isOpen && !this.#parsing) this.#move('peerEnd')
    this.#countHeld()
  }

  #step(bytes: Uint8Array, at: number, end: number): number {
    const parser = this.#parser
    if (!parser.read(bytes, at, end)) return end
    if (this.#rate !== undefined && parser.begins) this.#countFrame(this.#rate, parser)
    if (isControl(parser.opcode)) this.#readControl(bytes, parser)
    else if (this.#closing === undefined) this.#readData(bytes, parser)
    return parser.end
  }

  #mayTake(rate: ReceiveRate, length: number): boolean {
    if (rate.takeBytes(length, this.#clock.now())) return true
    this.#failBy(new ProtocolError('tooManyBytes', `${rate.limits.maxBytesPerSecond} a second at most`))
    return false
  }

  #countFrame(rate: ReceiveRate, { opcode, length }: FrameParser): void {
    if (rate.takeFrame(opcode === Opcode.continuation, length, this.#clock.now())) return
    throw new ProtocolError('tooManyMessages', `${rate.limits.maxMessagesPerSecond} a second at most`)
  }

  #readData(bytes: Uint8Array, parser: FrameParser): void {
    const sink = this.#sink
    if (parser.begins) {
      if (parser.opcode !== Opcode.continuation) this.#decoding = parser.reservedBits !== 0
      if (parser.length === 0) this.#countIdle(shortHeader)
      sink.beginFrame(parser.opcode, parser.fin, this.#decoding ? undefined : parser.length)
    }
    const message = this.#decoding
      ? this.#decode(bytes, parser)
      : sink.add(bytes, parser.start, parser.end, parser.remaining, parser.isAscii)
    if (message !== undefined) this.#events.message(this.#owner, message)
  }

  #decode(bytes: Uint8Array, parser: FrameParser): string | Uint8Array | undefined {
    this.#decoder ??= new MessageDecoder(this.#extension!, this.#sink, this)
    const decoder = this.#decoder
    const message = decoder.decode(bytes, parser.start, parser.end, parser.fin && parser.remaining === 0)
    if (decoder.isBusy) this.#gate.stop(Stop.decoding)
    return message
  }

  #readControl(bytes: Uint8Array, parser: FrameParser): void {
    if (parser.begins && parser.remaining === 0) {
      this.#takeControl(parser.opcode, bytes, parser.start, parser.end)
    } else {
      const payload = this.#control.gather(bytes, parser)
      if (payload !== undefined) this.#takeControl(parser.opcode, payload, 0, payload.length)
    }
  }

  #takeControl(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.#countIdle(shortHeader + end - start)
    if (opcode === Opcode.close) this.#move('peerClose', readClosePayload(this.#payload, bytes, start, end))
    else if (opcode === Opcode.ping) this.#control.answerPing(bytes, start, end)
    else if (this.#closing === undefined) this.#events.pong?.(this.#owner, this.#payload.copy(bytes, start, end))
  }

  /** Bytes came that bring no message further. */
  #countIdle(bytes: number): void {
    if (this.#unfinished !== undefined) this.#unfinished.idleBytes += bytes
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
  flushed(): void {
    if (!this.#gate.isOpen || this.#queue.owesDrain || this.#queue.isStreaming) this.#clock.task(() => this.settle())
  }

  /** What waits may have gone: reading goes on, and the owner is told who was answered 'buffered'. */
  settle(): void {
    this.#queue.proceed()
    if (this.#gate.isOpen && !this.#queue.owesDrain) return
    if (!this.#peerLagsBehind()) this.#go(Stop.backlog)
    if (this.#closing === undefined && this.#queue.takeDrain()) this.#events.drain(this.#owner)
  }

  /**
   * Whether the peer is to be read no further, as it does not take the answers: a server's echo can't be made to
   * buffer. A client reads on, or two that wait for each other would wait for ever.
   */
  #peerLagsBehind(): boolean {
    if (this.#role !== 'server' || this.#closing !== undefined) return false
    // A message that goes out in pieces may be made of what still comes: what waits behind it must not stop that.
    if (this.#queue.isStreaming || this.#sink.isStreaming === true)
      return this.#outbox.waitingBytes > this.#limits.highWaterMarkBytes
    return this.#queue.isAboveMark
  }

  #yield(): void {
    this.#gate.stop(Stop.yielding)
    this.#clock.task(() => this.#go(Stop.yielding))
  }

  #go(why: Stop): void {
    if (this.#gate.go(why)) this.#readOn()
  }

  /** What was held is parsed later than this call returns. */
  #readOn(): void {
    if (this.#hold.length > 0 || this.#peerEnded) this.#clock.defer(() => this.#parseHeld())
  }

  #newStreamer(): MessageStreamer {
    return new MessageStreamer(this.#payload, this.#clock, this.#limits, {
      began: (message) => this.#events.messageStream?.(this.#owner, message),
      mayRead: (may) => this.#letReadStream(may),
      heldChanged: () => {
        if (!this.#parsing) this.#countHeld()
      },
    })
  }

  #letReadStream(may: boolean): void {
    if (may) this.#go(Stop.reader)
    else if (this.#closing === undefined) this.#gate.stop(Stop.reader)
  }

  #failBy(error: ProtocolError): void {
    this.#sink.release(error)
    this.fail(error.closeCode, error.reason)
    this.#events.error(this.#owner, error)
  }

  /** The peer did not do its part of the closing: the transport is dropped. */
  closeTimedOut(): void {
    this.#events.closeTimedOut?.(this.#owner)
    this.#move('timeout')
  }

  #move(event: ClosingEvent, status?: CloseStatus): Closing {
    if (this.#closing !== undefined) {
      this.#closing.move(event, status)
      return this.#closing
    }
    const unfinished = this.#queue.stop()
    const closing = this.#newClosing()
    this.#closing = closing
    closing.move(event, status)
    this.#leaveOpen(unfinished)
    return closing
  }

  #leaveOpen(unfinished: readonly OutgoingMessage[]): void {
    this.#sink.release()
    this.#extension?.stopDecoding()
    this.#queue.abandon(unfinished)
    // What is held or still comes is only looked through for the peer's Close now.
    if (this.#gate.goAnyway()) this.#readOn()
    this.#countHeld()
    this.#events.closing?.(this.#owner)
  }

  #newClosing(): Closing {
    return new Closing(
      {
        role: this.#role,
        transport: this.#transport,
        queue: this.#queue,
        payload: this.#payload,
        clock: this.#clock,
        closeTimeoutMs: this.#limits.closeTimeoutMs,
      },
      this,
    )
  }
}
