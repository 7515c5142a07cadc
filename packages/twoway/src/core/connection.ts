import type { Clock } from '../ports/clock.js'
import type { MemoryBudget } from '../ports/memory-budget.js'
import type { Payload } from '../ports/payload.js'
import type { Loss, Transport, TransportSink } from '../ports/transport.js'
import { type CloseStatus, checkCloseStatus, readClosePayload, shortenReason } from './closing/close-payload.js'
import { Closing, type ClosingOwner } from './closing/closing.js'
import type { ClosingEvent, ClosingState } from './closing/closing-handshake.js'
import type { Conduct, ConnectionEvents, ConnectionOptions, SendResult } from './connection-types.js'
import { asTransportError, closedWith, ProtocolError, TransportError } from './errors.js'
import type { Extension } from './extensions/extension.js'
import type { Limits } from './limits.js'
import { isControl, Opcode } from './opcode.js'
import { FrameParser } from './receiving/frame-parser.js'
import { InputBuffer } from './receiving/input-buffer.js'
import { MessageAssembler } from './receiving/message-assembler.js'
import { type DecoderEvents, MessageDecoder } from './receiving/message-decoder.js'
import type { MessageSink } from './receiving/message-sink.js'
import { MessageStreamer } from './receiving/message-streamer.js'
import { ReadGate, StopReason } from './receiving/read-gate.js'
import type { ReadTurns, TurnTaker } from './receiving/read-turns.js'
import { ReceiveRate } from './receiving/receive-rate.js'
import { UnfinishedInput, type UnfinishedInputOwner } from './receiving/unfinished-input.js'
import { ControlFrames, checkControlPayload, sendControl } from './sending/control-frames.js'
import { FrameWriter, type FrameWriterOwner } from './sending/frame-writer.js'
import type { MessageWriter, MessageWriterOptions } from './sending/message-writer.js'
import { SendQueue, type SendQueueOwner } from './sending/send-queue.js'
import type { WholeMessage } from './sending/whole-message.js'

/**
 * Frames of one connection that are parsed before other connections get their turn: `npm run safety` measures the delay
 * that a flood of tiny frames causes.
 */
const framesPerTurn = 1024

/** The same bound for the output of an extension: a read of 64 KiB can decompress to a thousand times as much. */
const decodedBytesPerTurn = 1 << 20

const usualConduct: Conduct = { answersPings: true, explainsFailures: true, deliversWhileClosing: false }

/** Length of the header of a client's short frame. */
const shortHeader = 6

/**
 * One endpoint of a connection after the opening handshake, RFC 6455 §5 to §7: takes received bytes, delivers messages,
 * and frames what is sent.
 *
 * Owns its transport. Delivers messages in order, and none after `close`, `terminate` or `fail` was called or the
 * peer's Close arrived. While it is paused, it keeps a copy of the unparsed bytes.
 */
export class Connection<Owner>
  implements
    TransportSink,
    FrameWriterOwner,
    SendQueueOwner,
    DecoderEvents,
    ClosingOwner,
    UnfinishedInputOwner,
    TurnTaker
{
  readonly #role: 'client' | 'server'
  readonly #transport: Transport
  readonly #whenBufferFull: 'close' | 'drop'
  readonly #extension: Extension | undefined
  readonly #owner: Owner
  readonly #events: ConnectionEvents<Owner>
  readonly #parser: FrameParser
  readonly #sink: MessageSink
  /** Exists once a control frame can't be handled at once. */
  #control: ControlFrames | undefined
  readonly #queue: SendQueue
  readonly #frameWriter: FrameWriter
  /** Exists once reading has stopped. */
  #gate: ReadGate | undefined
  /** Exists only while input waits to be parsed. */
  #unparsed: InputBuffer | undefined
  /** Undefined if the peer may send at any rate. */
  readonly #rate: ReceiveRate | undefined
  readonly #receiveBudget: MemoryBudget | undefined
  readonly #readTurns: ReadTurns | undefined
  readonly #conduct: Conduct

  /** Undefined while the connection is open. */
  #closing: Closing | undefined
  #parsing = false
  #peerEnded = false
  #heard = false
  #receivedBytes = 0
  /** Bytes that the network had taken at the last call of `takeActivity`, or -1 if none waited then. */
  #takenBefore = -1
  /** Whether an extension has encoded the message that is arriving. */
  #decoding = false
  /** Exists only while such a message is decoded, so an idle connection has none. */
  #decoder: MessageDecoder | undefined
  /** Whether the memory of its input was taken away. It fails at once, or in its turn. */
  #isEvicted = false
  /** Exists only while received input is incomplete. */
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
    textForm,
    conduct = usualConduct,
    budget,
    receiveBudget,
    readTurns,
    owner,
    events,
  }: ConnectionOptions<Owner>) {
    this.#role = role
    this.#transport = transport
    this.#whenBufferFull = whenBufferFull
    this.#extension = extension
    this.#owner = owner
    this.#events = events
    this.#parser = new FrameParser(role, ports.payload, extension?.messageBits)
    if (streamsMessages === true) extension?.decodeForReader?.()
    this.#frameWriter = new FrameWriter(transport, ports, role === 'client' ? ports.random : undefined, this)
    this.#queue = new SendQueue(this.#frameWriter, extension, ports, limits, budget, this)
    this.#sink =
      streamsMessages === true
        ? this.#newStreamer()
        : new MessageAssembler(ports.scratchPool, limits.maxMessageBytes, textForm)
    this.#rate = rates && ReceiveRate.of(rates, ports.clock.now())
    this.#receiveBudget = receiveBudget
    this.#readTurns = readTurns
    this.#conduct = conduct
  }

  // The queue has these three. Fields of our own would cost every connection their memory.
  get #payload(): Payload {
    return this.#queue.ports.payload
  }

  get #clock(): Clock {
    return this.#queue.ports.clock
  }

  get #limits(): Limits {
    return this.#queue.limits
  }

  get #isReading(): boolean {
    return this.#gate === undefined || this.#gate.isOpen
  }

  #stopReading(reason: StopReason): void {
    this.#gate ??= new ReadGate(this.#transport, this.#clock, this.#rate)
    this.#gate.stop(reason)
  }

  get #askedUnparsed(): InputBuffer {
    this.#unparsed ??= new InputBuffer(this.#payload)
    return this.#unparsed
  }

  get #unparsedBytes(): number {
    return this.#unparsed === undefined ? 0 : this.#unparsed.length
  }

  get state(): ClosingState {
    return this.#closing?.state ?? 'open'
  }

  /** Bytes that are not yet handed to the network: frames, and payloads that are not framed yet. */
  get waitingBytes(): number {
    return this.#queue.waitingBytes
  }

  /**
   * For a client: payload bytes that the network has not taken, counted without frame headers and before an extension
   * encodes them. The count does not fall within a task, nor for messages that are dropped.
   */
  get unsentBytes(): number {
    return this.#queue.unsentBytes
  }

  /** Bytes received from the network since the start. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Payload bytes of the message that `message` delivers, while it does: the length of a text in UTF-8. */
  get messageBytes(): number {
    return this.#sink.messageBytes
  }

  /** Whether the message that `message` delivers is a text, while it does. */
  get messageIsText(): boolean {
    return this.#sink.isText === true
  }

  /** Length in UTF-8 of the text that was sent last, as far as framing it told; undefined if it was compressed. */
  get textBytes(): number | undefined {
    return this.#queue.textBytes
  }

  /** Bytes framed for the network since the start. */
  get framedBytes(): number {
    return this.#frameWriter.appendedBytes
  }

  /** Bytes of memory that received input takes: the incomplete message, and the bytes that a pause left unparsed. */
  get heldBytes(): number {
    return this.#sink.heldBytes + (this.#unparsed?.capacity ?? 0) + (this.#extension?.heldBytes ?? 0)
  }

  get isPaused(): boolean {
    return this.#gate?.isPaused === true
  }

  /**
   * Whether the peer has shown activity since the last call: bytes arrived, or the network took bytes that were
   * waiting. A peer that is not read counts as active, unless bytes wait that the network does not take.
   */
  takeActivity(): boolean {
    const waiting = this.#frameWriter.waitingBytes
    const taken = this.#frameWriter.appendedBytes - waiting
    const heard = this.#heard || (this.#takenBefore < 0 ? this.#gate?.isClosedByUs === true : taken > this.#takenBefore)
    this.#heard = false
    // The network takes bytes that did not have to wait even if the peer is dead, so only waiting bytes count.
    this.#takenBefore = waiting > 0 ? taken : -1
    return heard
  }

  /**
   * Sends a message: text for a string, binary for bytes. A server does not copy long bytes: the caller must leave them
   * unchanged until they are sent.
   * @param compress whether to compress this message; by default the extension decides
   */
  send(message: WholeMessage, compress?: boolean): SendResult {
    if (this.#closing !== undefined) return 'closed'
    if (this.#queue.isFull) return this.#refuseMessage()
    return this.#queue.send(message, compress)
  }

  /**
   * Sends a binary message of known length whose bytes the caller has not read yet. The caller passes them to the
   * returned function, which takes them over. Later messages wait. If the connection leaves the open state first, this
   * message and those behind it are dropped. The connection must be open.
   */
  sendLater(length: number): (bytes: Uint8Array) => void {
    return this.#queue.sendLater(length)
  }

  /**
   * Sends a message in pieces. The caller writes them once all earlier messages are framed. Later messages wait until
   * this one ends. The connection must be open.
   * @param onClosed called if the connection leaves the open state before the message ends
   */
  sendInPieces(options: MessageWriterOptions, onClosed: (error: Error) => void): MessageWriter {
    return this.#queue.sendInPieces(options, onClosed)
  }

  /**
   * Runs an action once no message is being sent in pieces, or at once if none is. It also runs if such messages are
   * dropped.
   */
  afterPieces(action: () => void): void {
    this.#queue.afterStreams(action)
  }

  /** Gathers what is sent until `uncork`, or until the end of a read within. */
  cork(): void {
    this.#frameWriter.cork()
  }

  uncork(): void {
    this.#frameWriter.uncork()
    this.flushed()
  }

  /** Sends a Ping, RFC 6455 §5.5.2. */
  ping(payload: Uint8Array): void {
    checkControlPayload(payload)
    if (this.#closing === undefined) sendControl(this.#frameWriter, Opcode.ping, payload)
  }

  /** Sends a Pong that answers a Ping, or none, RFC 6455 §5.5.3. */
  pong(payload: Uint8Array): void {
    checkControlPayload(payload)
    if (this.#closing === undefined) sendControl(this.#frameWriter, Opcode.pong, payload)
  }

  /**
   * Requests a `drain` event for when no more than the high-water mark waits, as a `send` that returns 'buffered' does.
   */
  askForDrain(): void {
    this.#queue.askForDrain()
  }

  /** Starts the closing handshake, unless it has started. Without a code, the Close has no payload. */
  close(code?: number, reason = ''): void {
    checkCloseStatus(this.#payload, code, reason)
    this.#move('close', { code: code ?? 1005, reason })
  }

  /**
   * Fails the connection, §7.1.7: sends a Close with this status unless one was sent, and ends. Shortens a reason that
   * is too long.
   */
  fail(code: number, reason = ''): void {
    this.#move('fail', { code, reason: shortenReason(this.#payload, reason) })
  }

  /**
   * Drops the connection and all waiting bytes at once. With `reset`, the transport resets the connection if it can.
   */
  terminate(reset = false): void {
    if (this.state === 'closed') return
    if (reset) this.#transport.destroy(true)
    this.#move('terminate')
  }

  /** Stops parsing and reading. */
  pause(): void {
    if (this.#closing === undefined) this.#stopReading(StopReason.paused)
  }

  /** Continues after `pause`. Unparsed bytes are parsed after this call has returned. */
  resume(): void {
    this.#resumeReading(StopReason.paused)
  }

  /** Stops parsing and reading until `handlerDone`: the connection waits for an asynchronous handler. */
  awaitHandler(): void {
    if (this.#closing === undefined) this.#stopReading(StopReason.handler)
  }

  /** Continues after `awaitHandler`, as `resume` does after `pause`. */
  handlerDone(): void {
    this.#resumeReading(StopReason.handler)
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    this.#heard = true
    this.#receivedBytes += end - start
    if (this.#rate !== undefined && !this.#mayTake(this.#rate, end - start)) return
    if (this.#parsing || !this.#isReading || this.#unparsedBytes > 0) {
      if (this.#reads()) this.#askedUnparsed.append(bytes, start, end)
      this.#countHeld()
      this.#countTurn(end - start)
      return
    }
    this.#parse(bytes, start, end)
    this.#sink.readEnds?.()
    if (this.#unparsedBytes > 0 || this.#peerEnded) this.#parseUnparsed()
    this.#countHeld()
    this.#countTurn(end - start)
  }

  drained(): void {
    this.#frameWriter.drained()
    if (this.#reads()) this.#control?.sendWaitingPong()
    this.#events.written?.(this.#owner)
    this.settle()
  }

  progressed(decodedBytes: number): void {
    this.#unfinished?.decoded(decodedBytes)
  }

  /** Delivers a message that was decoded asynchronously, as a read would, and reads on. */
  decoded(message: string | Uint8Array | undefined): void {
    this.#decoder = undefined
    this.#unfinished?.decoded(0)
    if (message !== undefined) {
      this.#frameWriter.cork()
      this.#events.message(this.#owner, message)
      this.#frameWriter.uncork()
      if (this.#peerLagsBehind()) this.#stopReading(StopReason.backlog)
    }
    this.#resumeReading(StopReason.decoding)
    this.#countHeld()
  }

  decodingFailed(error: ProtocolError): void {
    this.#decoder = undefined
    this.#failBy(error)
    this.#resumeReading(StopReason.decoding)
    this.#countHeld()
  }

  ended(): void {
    this.#peerEnded = true
    if (!this.#parsing && this.#isReading && this.#unparsedBytes === 0) this.#move('peerEnd')
  }

  closed(loss?: Loss): void {
    // §7.1.4: our Close may still have been waiting behind a message.
    const wasClean = this.state === 'closesExchanged' && this.#queue.hasClosed
    const wasOpen = this.#closing === undefined
    // The reader of a streamed message gets the error, too.
    const error = loss !== undefined && this.#sink.isStreaming === true ? asTransportError(loss) : undefined
    if (error !== undefined) this.#sink.release(error)
    const { code, reason } = this.#move('lost').peerStatus
    this.#unparsed = undefined
    this.#sink.release()
    this.#queue.release()
    this.#countHeld()
    if (wasOpen && loss !== undefined && !this.#isEvicted) this.#tellLoss(error ?? loss)
    // Without spread syntax: on Node 20, the object it creates survives young collections and keeps the connection
    // alive.
    this.#events.closed(this.#owner, { code, reason, wasClean })
  }

  #tellLoss(loss: Loss): void {
    if (this.#events.lost !== undefined) this.#events.lost(this.#owner, loss)
    else this.#events.error(this.#owner, asTransportError(loss))
  }

  /** The server's connections together hold too much memory, and this one holds more than most. */
  evict(): void {
    if (this.#closing !== undefined || this.#isEvicted) return
    this.#isEvicted = true
    // The reader of a streamed message, and a decoder that is at work, learn of it at once.
    if (this.#readTurns === undefined || this.#sink.evict !== undefined || this.#decoder !== undefined) {
      this.#sink.evict?.(this.#evictionError)
      this.fail(1013, this.#evictionReason)
    } else {
      // To tell the peer and the owner takes longer than to release the memory, so it has a turn of its own.
      this.#sink.release()
      this.#extension?.stopDecoding()
      this.#waitForTurn(this.#readTurns)
    }
    this.#unparsed = undefined
  }

  get #evictionReason(): string {
    return `the incomplete input of all peers exceeds ${this.#receiveBudget!.limit} bytes`
  }

  get #evictionError(): TransportError {
    return new TransportError(`${this.#evictionReason}; ${closedWith(1013)}`, { code: 'totalReceiveFull' })
  }

  takeTurn(): boolean {
    if (this.#isEvicted && this.#closing === undefined) this.fail(1013, this.#evictionReason)
    else if (this.#gate?.hasStopped(StopReason.turn) !== true) return false
    this.#resumeReading(StopReason.turn)
    return true
  }

  get waitsForRest(): boolean {
    return this.#closing === undefined && this.#awaitsRest && this.#gate?.isUpToPeer !== false
  }

  tooSlow(error: ProtocolError): void {
    this.#failBy(error)
  }

  /** Whether a message or a frame is incomplete. */
  get #awaitsRest(): boolean {
    return this.#sink.isUnderWay || this.#parser.isWithinFrame
  }

  /** Reports the held memory to the budget. A connection whose reads bring whole messages never opens a share. */
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

  /** Stops reading if many connections read long messages, or what they send after they were failed. */
  #countTurn(bytes: number): void {
    if (this.#readTurns === undefined || (this.#unfinished === undefined && this.#closing === undefined)) return
    // Input that is only discarded is of no use to anyone.
    const held = this.#closing === undefined ? this.heldBytes : Number.POSITIVE_INFINITY
    if (!this.#readTurns.mayReadOn(bytes, held)) this.#waitForTurn(this.#readTurns)
  }

  #waitForTurn(turns: ReadTurns): void {
    if (this.#gate?.hasStopped(StopReason.turn) === true) return
    this.#stopReading(StopReason.turn)
    turns.wait(this)
  }

  /** Whether messages are delivered. */
  #delivers(): boolean {
    if (this.#closing === undefined) return true
    return this.#conduct.deliversWhileClosing && this.#closing.state === 'closeSent'
  }

  /** Whether received bytes still matter: the connection is open, or waits for the peer's Close. */
  #reads(): boolean {
    return this.#closing === undefined || this.#closing.state === 'closeSent'
  }

  /** Parses until the range ends or reading stops. The rest becomes unparsed input. */
  #parse(bytes: Uint8Array, start: number, end: number): void {
    const queue = this.#queue
    // Reading can only stop for backlog once more is appended than there is room for.
    const mayLagFrom = queue.appendedBytes + Math.max(0, this.#limits.highWaterMarkBytes - queue.waitingBytes)
    let at = start
    let steps = 0
    this.#parsing = true
    this.#frameWriter.cork()
    try {
      while (at < end && this.#reads() && this.#isReading) {
        at = this.#step(bytes, at, end)
        steps += 1
        const turnIsOver = steps === framesPerTurn || (this.#decoder?.decodedBytes ?? 0) >= decodedBytesPerTurn
        if (turnIsOver && at < end) this.#yield()
        if (queue.appendedBytes > mayLagFrom && this.#peerLagsBehind()) this.#stopReading(StopReason.backlog)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#failBy(error)
    } finally {
      this.#parsing = false
      if (this.#decoder?.isBusy === false) this.#decoder = undefined
      this.#frameWriter.uncork()
    }
    if (!this.#reads()) this.#unparsed = undefined
    else if (at < end) this.#askedUnparsed.prepend(bytes, at, end)
    this.settle()
  }

  /** Parses the unparsed input: bytes from before a pause, or from reads that came during parsing. */
  #parseUnparsed(): void {
    while (this.#unparsedBytes > 0 && this.#isReading && !this.#parsing) {
      const { start, end } = this.#unparsed!
      this.#parse(this.#unparsed!.take(), start, end)
      this.#sink.readEnds?.()
    }
    if (this.#unparsedBytes === 0) this.#unparsed = undefined
    if (this.#peerEnded && this.#isReading && !this.#parsing) this.#move('peerEnd')
    this.#countHeld()
  }

  #step(bytes: Uint8Array, at: number, end: number): number {
    const parser = this.#parser
    if (!parser.read(bytes, at, end)) return end
    if (this.#rate !== undefined && parser.begins) this.#countFrame(this.#rate, parser)
    if (isControl(parser.opcode)) this.#readControl(bytes, parser)
    else if (this.#delivers()) this.#readData(bytes, parser)
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
      if (parser.opcode !== Opcode.continuation) {
        this.#decoding = parser.reservedBits !== 0
        this.#unfinished?.beginDecoding()
      }
      if (this.#decoding) this.#countEncoded(shortHeader)
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
    this.#countEncoded(parser.end - parser.start)
    const message = decoder.decode(bytes, parser.start, parser.end, parser.fin && parser.remaining === 0)
    if (decoder.isBusy) this.#stopReading(StopReason.decoding)
    return message
  }

  #readControl(bytes: Uint8Array, parser: FrameParser): void {
    if (parser.begins && parser.remaining === 0) {
      this.#takeControl(parser.opcode, bytes, parser.start, parser.end)
    } else {
      const payload = this.#askedControl.gather(bytes, parser)
      if (payload !== undefined) this.#takeControl(parser.opcode, payload, 0, payload.length)
    }
  }

  #takeControl(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.#countIdle(shortHeader + end - start)
    if (opcode === Opcode.close) {
      const status = readClosePayload(this.#payload, bytes, start, end)
      this.#events.peerClose?.(this.#owner, status)
      this.#move('peerClose', status)
    } else if (opcode === Opcode.ping) {
      if (this.#conduct.answersPings) this.#answerPing(bytes, start, end)
      if (this.#closing === undefined) this.#events.ping?.(this.#owner, this.#payload.copy(bytes, start, end))
    } else if (this.#closing === undefined) {
      this.#events.pong?.(this.#owner, this.#payload.copy(bytes, start, end))
    }
  }

  #answerPing(bytes: Uint8Array, start: number, end: number): void {
    const lags = this.#frameWriter.waitingBytes > this.#limits.highWaterMarkBytes
    if (lags || this.#control !== undefined) this.#askedControl.answerPing(bytes, start, end)
    else sendControl(this.#frameWriter, Opcode.pong, bytes, start, end)
  }

  get #askedControl(): ControlFrames {
    this.#control ??= new ControlFrames(this.#frameWriter, this.#payload, this.#limits.highWaterMarkBytes)
    return this.#control
  }

  /** Bytes came of a message that an extension has encoded. */
  #countEncoded(bytes: number): void {
    if (this.#unfinished !== undefined) this.#unfinished.encodedBytes += bytes
  }

  /** Bytes came that bring no message further. */
  #countIdle(bytes: number): void {
    if (this.#unfinished !== undefined) this.#unfinished.idleBytes += bytes
  }

  #refuseMessage(): SendResult {
    if (this.#whenBufferFull === 'drop') return 'dropped'
    const waiting = this.waitingBytes
    const code = waiting > this.#limits.maxBufferedBytes ? 'bufferFull' : 'totalBufferFull'
    const reason = `${waiting} bytes wait for the peer to read them`
    this.fail(1013, reason)
    const error = new TransportError(`${reason}; ${closedWith(1013)}`, { code })
    this.#events.error(this.#owner, error)
    return 'closed'
  }

  /**
   * Runs in a task of its own, so that a handler that sends until it gets 'buffered' does not starve other connections.
   */
  flushed(): void {
    if (!this.#isReading || this.#queue.owesDrain || this.#queue.isStreaming) this.#clock.task(() => this.settle())
  }

  /** Waiting bytes may have been sent: continues reading, and emits `drain` if it was promised. */
  settle(): void {
    this.#queue.proceed()
    if (this.#isReading && !this.#queue.owesDrain) return
    if (!this.#peerLagsBehind()) this.#resumeReading(StopReason.backlog)
    if (this.#closing === undefined && this.#queue.takeDrain()) this.#events.drain(this.#owner)
  }

  /**
   * Whether to stop reading a peer that does not read our answers, so that a server's echo can't be made to buffer. A
   * client never stops: two endpoints that wait for each other would wait for ever.
   */
  #peerLagsBehind(): boolean {
    if (this.#role !== 'server' || this.#closing !== undefined) return false
    // A message in pieces may depend on input that is still to come, so messages waiting behind it must not stop
    // reading.
    if (this.#queue.isStreaming || this.#sink.isStreaming === true)
      return this.#frameWriter.waitingBytes > this.#limits.highWaterMarkBytes
    return this.#queue.isAboveMark
  }

  #yield(): void {
    this.#stopReading(StopReason.yielding)
    this.#clock.task(() => this.#resumeReading(StopReason.yielding))
  }

  #resumeReading(reason: StopReason): void {
    if (this.#gate?.resume(reason) === true) this.#scheduleParsing()
  }

  /** Parses the unparsed input after the current call has returned. */
  #scheduleParsing(): void {
    if (this.#unparsedBytes > 0 || this.#peerEnded) this.#clock.defer(() => this.#parseUnparsed())
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
    if (may) this.#resumeReading(StopReason.reader)
    else if (this.#closing === undefined) this.#stopReading(StopReason.reader)
  }

  #failBy(error: ProtocolError): void {
    this.#sink.release(error)
    this.fail(error.closeCode, this.#conduct.explainsFailures ? error.reason : '')
    this.#events.error(this.#owner, error)
  }

  /** The peer did not complete the closing handshake in time: drops the transport. */
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

  #leaveOpen(unfinished: readonly MessageWriter[]): void {
    if (!this.#delivers()) {
      this.#sink.release()
      this.#extension?.stopDecoding()
    }
    this.#queue.abandon(unfinished)
    // The remaining input is only searched for the peer's Close now.
    if (this.#gate?.resumeAll() === true) this.#scheduleParsing()
    this.#countHeld()
    this.#events.closing?.(this.#owner)
    if (this.#isEvicted) this.#events.error(this.#owner, this.#evictionError)
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
