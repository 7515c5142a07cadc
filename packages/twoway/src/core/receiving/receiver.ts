import type { Clock } from '../../ports/clock.js'
import type { ConnectionOptions, SharedInput } from '../connection-types.js'
import { closedWith, ProtocolError, TransportError } from '../errors.js'
import type { Extension } from '../extensions/extension.js'
import { isControl, Opcode } from '../opcode.js'
import type { SendQueue } from '../sending/send-queue.js'
import { FrameParser } from './frame-parser.js'
import { InputBuffer } from './input-buffer.js'
import { MessageAssembler, type TextForm } from './message-assembler.js'
import { type DecoderEvents, MessageDecoder } from './message-decoder.js'
import type { MessageReader } from './message-reader.js'
import type { MessageSink } from './message-sink.js'
import { MessageStreamer } from './message-streamer.js'
import { ReadGate, StopReason } from './read-gate.js'
import type { ReadTurns, TurnTaker } from './read-turns.js'
import { ReceiveRate } from './receive-rate.js'
import { UnfinishedInput, type UnfinishedInputOwner } from './unfinished-input.js'

/**
 * Frames of one connection that are parsed before other connections get their turn: `npm run safety` measures the delay
 * that a flood of tiny frames causes.
 */
const framesPerTurn = 1024

/** The same bound for the output of an extension: a read of 64 KiB can decompress to a thousand times as much. */
const decodedBytesPerTurn = 1 << 20

/** Length of the header of a client's short frame. */
const shortHeader = 6

/** The states of a receiver; several may apply at once. One number has them all, as each field costs idle memory. */
const Flag = {
  /** A read is parsed. */
  parsing: 1,
  peerEnded: 2,
  /** Bytes have arrived since the last call of `takeHeard`. */
  heard: 4,
  /** An extension has encoded the message that is arriving. */
  decoding: 8,
  /** The memory of its input was taken away. The connection fails at once, or in its turn. */
  evicted: 16,
  /** Messages are delivered while they arrive. */
  streams: 32,
} as const

/**
 * The receiving half of a connection, as the send queue is its sending half: parses received bytes, passes on messages
 * and pieces of control frames in order, and stops reading while input must wait.
 *
 * While reading is stopped, it keeps a copy of the unparsed bytes. It is the base class of `Connection`, not an object
 * beside it: an object would cost each connection memory, and each frame several calls (`npm run bench:micro -- echo`).
 */
export abstract class Receiver implements DecoderEvents, UnfinishedInputOwner, TurnTaker {
  /** Exists while a read is parsed or a message is incomplete, and always if messages are streamed. */
  protected sink: MessageSink | undefined
  /** Exists while a read is parsed or a message or a frame is incomplete, so an idle connection has none. */
  #parser: FrameParser | undefined
  readonly #textForm: TextForm | undefined
  /** Undefined if the peer may send at any rate. */
  readonly #rate: ReceiveRate | undefined
  readonly #shared: SharedInput | undefined
  /** Exists once reading has stopped. */
  #gate: ReadGate | undefined
  /** Exists only while input waits to be parsed. */
  #unparsed: InputBuffer | undefined
  #flags = 0
  #receivedBytes = 0
  /** Exists only while such a message is decoded, so an idle connection has none. */
  #decoder: MessageDecoder | undefined
  /** Exists only while received input is incomplete. */
  #unfinished: UnfinishedInput | undefined

  constructor(options: ConnectionOptions<unknown>) {
    const { ports, rates, textForm } = options
    if (options.streamsMessages === true) {
      this.#set(Flag.streams)
      this.sink = this.#newStreamer(options)
    }
    this.#textForm = textForm
    this.#rate = rates && ReceiveRate.of(rates, ports.clock.now())
    this.#shared = options.sharedInput
  }

  /** The queue of its messages: a peer that does not read our answers is not read either. */
  protected abstract readonly queue: SendQueue
  protected abstract readonly isOpen: boolean
  /** Whether messages are delivered. */
  protected abstract readonly delivers: boolean
  /** Whether received bytes still matter: the connection is open, or waits for the peer's Close. */
  protected abstract readonly reads: boolean

  // The connection may close, pause and send from within each of these calls.

  /** A message is complete. */
  protected abstract deliver(message: string | Uint8Array): void
  /** A message begins that is streamed. */
  protected abstract deliverStream(message: MessageReader): void
  /** The parser has read a piece of a control frame. */
  protected abstract readControl(bytes: Uint8Array, parser: FrameParser): void
  /** The peer broke a rule. */
  protected abstract failBy(error: ProtocolError): void
  abstract fail(code: number, reason: string): void
  /** A read was parsed: waiting bytes may have been sent meanwhile. */
  abstract settle(): void
  /** The peer has ended its stream, and everything that it sent before is parsed. */
  protected abstract peerEnd(): void

  // The queue has these two. Fields of our own would cost every connection their memory.
  #clock(): Clock {
    return this.queue.ports.clock
  }

  #extension(): Extension | undefined {
    return this.queue.extension
  }

  /** Whether messages are delivered while they arrive. */
  get streamsMessages(): boolean {
    return this.#is(Flag.streams)
  }

  /** Bytes received from the network since the start. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Bytes of memory that received input takes: the incomplete message, and the bytes that a pause left unparsed. */
  get heldBytes(): number {
    return (this.sink?.heldBytes ?? 0) + (this.#unparsed?.capacity ?? 0) + (this.#extension()?.heldBytes ?? 0)
  }

  protected get isReading(): boolean {
    return this.#gate === undefined || this.#gate.isOpen
  }

  /** Whether reading is stopped for this reason, and perhaps for others. */
  protected hasStopped(reason: StopReason): boolean {
    return this.#gate?.hasStopped(reason) === true
  }

  /** Whether reading is stopped for a reason that the peer can't influence. */
  protected get isStoppedByUs(): boolean {
    return this.#gate?.isClosedByUs === true
  }

  protected get isEvicted(): boolean {
    return this.#is(Flag.evicted)
  }

  /** Whether bytes have arrived since the last call. */
  protected takeHeard(): boolean {
    const heard = this.#is(Flag.heard)
    this.#clear(Flag.heard)
    return heard
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    this.#set(Flag.heard)
    this.#receivedBytes += end - start
    if (this.#rate !== undefined && !this.#mayTake(this.#rate, end - start)) return
    if (this.#is(Flag.parsing) || !this.isReading || this.#unparsedBytes() > 0) {
      if (this.reads) this.#askedUnparsed().append(bytes, start, end)
    } else {
      this.#parse(bytes, start, end)
      this.sink?.readEnds?.()
      if (this.#unparsedBytes() > 0 || this.#is(Flag.peerEnded)) this.#parseUnparsed()
      this.#giveBack()
    }
    if (this.#holdsNothing()) return
    this.#countHeld()
    this.#countTurn(end - start)
  }

  /** The peer ended its stream. */
  ended(): void {
    this.#set(Flag.peerEnded)
    if (!this.#is(Flag.parsing) && this.isReading && this.#unparsedBytes() === 0) this.peerEnd()
  }

  /** The connection has left the open state. Unless messages are still delivered, drops the incomplete one. */
  protected dropInput(): void {
    if (this.delivers) return
    this.sink?.release()
    this.#extension()?.stopDecoding()
  }

  /** Reads on for any reason that has stopped it: the remaining input is only searched for the peer's Close. */
  protected readOn(): void {
    if (this.#gate?.resumeAll() === true) this.#scheduleParsing()
    this.#countHeld()
  }

  /** The transport is gone. */
  protected releaseInput(): void {
    this.#unparsed = undefined
    this.sink?.release()
    this.#countHeld()
  }

  /** Stops parsing and reading, unless the connection has left the open state. */
  protected stopReading(reason: StopReason): void {
    if (this.isOpen) this.#stop(reason)
  }

  /** Continues after `stop`. Unparsed bytes are parsed after the current call has returned. */
  protected resumeReading(reason: StopReason): void {
    if (this.#gate?.resume(reason) === true) this.#scheduleParsing()
  }

  /** Continues if only a backlog has stopped reading, and the peer has read enough of our answers. */
  protected resumeAfterBacklog(): void {
    if (!this.#peerLagsBehind()) this.resumeReading(StopReason.backlog)
  }

  progressed(decodedBytes: number): void {
    this.#unfinished?.decoded(decodedBytes)
  }

  /** Delivers a message that was decoded asynchronously, as a read would, and reads on. */
  decoded(message: string | Uint8Array | undefined): void {
    this.#decoder = undefined
    this.#unfinished?.decoded(0)
    if (message !== undefined) {
      const { frameWriter } = this.queue
      frameWriter.cork()
      this.deliver(message)
      frameWriter.uncork()
      if (this.#peerLagsBehind()) this.#stop(StopReason.backlog)
    }
    this.resumeReading(StopReason.decoding)
    this.#giveBack()
    this.#countHeld()
  }

  decodingFailed(error: ProtocolError): void {
    this.#decoder = undefined
    this.failBy(error)
    this.resumeReading(StopReason.decoding)
    this.#countHeld()
  }

  /** The server's connections together hold too much memory, and this one holds more than most. */
  evict(): void {
    if (!this.isOpen || this.#is(Flag.evicted)) return
    this.#set(Flag.evicted)
    // The reader of a streamed message, and a decoder that is at work, learn of it at once.
    const turns = this.#shared?.turns
    if (turns === undefined || this.sink?.evict !== undefined || this.#decoder !== undefined) {
      this.sink?.evict?.(this.evictionError)
      this.fail(1013, this.#evictionReason())
    } else {
      // To tell the peer and the owner takes longer than to release the memory, so it has a turn of its own.
      this.sink?.release()
      this.#extension()?.stopDecoding()
      this.#waitForTurn(turns)
    }
    this.#unparsed = undefined
  }

  /** The error of a connection whose memory was taken away. */
  protected get evictionError(): TransportError {
    return new TransportError(`${this.#evictionReason()}; ${closedWith(1013)}`, { code: 'totalReceiveFull' })
  }

  #evictionReason(): string {
    return `the incomplete input of all peers exceeds ${this.#shared!.budget.limit} bytes`
  }

  takeTurn(): boolean {
    if (this.#is(Flag.evicted) && this.isOpen) this.fail(1013, this.#evictionReason())
    else if (!this.hasStopped(StopReason.turn)) return false
    this.resumeReading(StopReason.turn)
    return true
  }

  get waitsForRest(): boolean {
    return this.isOpen && this.#awaitsRest() && this.#gate?.isUpToPeer !== false
  }

  tooSlow(error: ProtocolError): void {
    this.failBy(error)
  }

  /** A control frame arrived, which brings no message further. */
  protected countControl(payloadBytes: number): void {
    this.#unfinished?.addIdle(shortHeader + payloadBytes)
  }

  #askedUnparsed(): InputBuffer {
    this.#unparsed ??= new InputBuffer(this.queue.ports.payload)
    return this.#unparsed
  }

  #unparsedBytes(): number {
    return this.#unparsed === undefined ? 0 : this.#unparsed.length
  }

  #stop(reason: StopReason): void {
    const { frameWriter, ports } = this.queue
    this.#gate ??= new ReadGate(frameWriter.transport, ports.clock, this.#rate)
    this.#gate.stop(reason)
  }

  /**
   * Whether to stop reading a peer that does not read our answers, so that a server's echo can't be made to buffer. A
   * client never stops: two endpoints that wait for each other would wait for ever.
   */
  #peerLagsBehind(): boolean {
    const { queue } = this
    const { frameWriter } = queue
    const isServer = !frameWriter.masks
    if (!isServer || !this.isOpen) return false
    // A message in pieces may depend on input that is still to come, so messages waiting behind it must not stop
    // reading.
    if (queue.isStreaming || this.sink?.isStreaming === true)
      return frameWriter.waitingBytes > queue.limits.highWaterMarkBytes
    return queue.isAboveMark
  }

  /** Whether a message or a frame is incomplete. */
  #awaitsRest(): boolean {
    return this.sink?.isUnderWay === true || this.#parser?.isWithinFrame === true
  }

  #is(flag: number): boolean {
    return (this.#flags & flag) !== 0
  }

  #set(flag: number): void {
    this.#flags |= flag
  }

  #clear(flag: number): void {
    this.#flags &= ~flag
  }

  #askedParser(): FrameParser {
    const { queue } = this
    const { payload } = queue.ports
    this.#parser ??= FrameParser.take(
      queue.frameWriter.masks ? 'client' : 'server',
      payload,
      queue.extension?.messageBits,
    )
    return this.#parser
  }

  #askedSink(): MessageSink {
    const { ports, limits } = this.queue
    this.sink ??= MessageAssembler.take(ports.scratchPool, limits.maxMessageBytes, this.#textForm)
    return this.sink
  }

  /** Lets other connections use the parser and the assembler while nothing is incomplete. After a failure they are not reused. */
  #giveBack(): void {
    if (this.#is(Flag.parsing) || !this.isOpen || this.#decoder !== undefined || this.#awaitsRest()) return
    if (this.#parser !== undefined) FrameParser.give(this.#parser)
    this.#parser = undefined
    if (this.sink === undefined || this.streamsMessages) return
    MessageAssembler.give(this.sink as MessageAssembler)
    this.sink = undefined
  }

  /** Whether no input is incomplete or unparsed, and none was before, as after a read that brings whole messages. */
  #holdsNothing(): boolean {
    const isBetweenMessages = this.#parser === undefined && this.sink === undefined && this.#unparsed === undefined
    return isBetweenMessages && this.#unfinished === undefined && this.isOpen
  }

  /** Reports the held memory to the budget. A connection whose reads bring whole messages never opens a share. */
  #countHeld(): void {
    if (this.#shared === undefined) return
    const held = this.heldBytes
    if (held > 0 || (this.#awaitsRest() && this.isOpen)) {
      this.#unfinished ??= new UnfinishedInput(this, this.#shared.budget, this.#clock().now())
      this.#unfinished.set(held)
    } else if (this.#unfinished !== undefined) {
      this.#unfinished.close()
      this.#unfinished = undefined
    }
  }

  /** Stops reading if many connections read long messages, or discard input after they were failed. */
  #countTurn(bytes: number): void {
    const turns = this.#shared?.turns
    if (turns === undefined || (this.#unfinished === undefined && this.isOpen)) return
    // Input that is only discarded can always wait.
    const held = this.isOpen ? this.heldBytes : Number.POSITIVE_INFINITY
    if (!turns.mayReadOn(bytes, held)) this.#waitForTurn(turns)
  }

  #waitForTurn(turns: ReadTurns): void {
    if (this.hasStopped(StopReason.turn)) return
    this.#stop(StopReason.turn)
    turns.wait(this)
  }

  /** Parses until the range ends or reading stops. The rest becomes unparsed input. */
  #parse(bytes: Uint8Array, start: number, end: number): void {
    const { queue } = this
    // Reading can only stop for backlog once more is appended than there is room for.
    const mayLagFrom = queue.appendedBytes + Math.max(0, queue.limits.highWaterMarkBytes - queue.waitingBytes)
    const parser = this.#askedParser()
    let at = start
    let steps = 0
    this.#set(Flag.parsing)
    queue.frameWriter.cork()
    try {
      while (at < end && this.reads && this.isReading) {
        at = this.#step(parser, bytes, at, end)
        steps += 1
        const turnIsOver = steps === framesPerTurn || (this.#decoder?.decodedBytes ?? 0) >= decodedBytesPerTurn
        if (turnIsOver && at < end) this.#yield()
        if (queue.appendedBytes > mayLagFrom && this.#peerLagsBehind()) this.#stop(StopReason.backlog)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        // An error of the program must not cost the connection its place in the input.
        if (this.reads && parser.end < end) this.#askedUnparsed().prepend(bytes, parser.end, end)
        this.#scheduleParsing()
        throw error
      }
      this.failBy(error)
    } finally {
      this.#clear(Flag.parsing)
      if (this.#decoder?.isBusy === false) this.#decoder = undefined
      queue.frameWriter.uncork()
    }
    if (!this.reads) this.#unparsed = undefined
    else if (at < end) this.#askedUnparsed().prepend(bytes, at, end)
    this.settle()
  }

  /** Parses the unparsed input: bytes from before a pause, or from reads that came during parsing. */
  #parseUnparsed(): void {
    while (this.#unparsedBytes() > 0 && this.isReading && !this.#is(Flag.parsing)) {
      const { start, end } = this.#unparsed!
      this.#parse(this.#unparsed!.take(), start, end)
      this.sink?.readEnds?.()
    }
    if (this.#unparsedBytes() === 0) this.#unparsed = undefined
    if (this.#is(Flag.peerEnded) && this.isReading && !this.#is(Flag.parsing)) this.peerEnd()
    this.#giveBack()
    this.#countHeld()
  }

  #step(parser: FrameParser, bytes: Uint8Array, at: number, end: number): number {
    if (!parser.read(bytes, at, end)) return end
    if (this.#rate !== undefined && parser.begins) this.#countFrame(this.#rate, parser)
    if (isControl(parser.opcode)) this.readControl(bytes, parser)
    else if (this.delivers) this.#readData(bytes, parser)
    return parser.end
  }

  #mayTake(rate: ReceiveRate, length: number): boolean {
    if (rate.takeBytes(length, this.#clock().now())) return true
    this.failBy(new ProtocolError('tooManyBytes', `${rate.limits.maxBytesPerSecond} a second at most`))
    return false
  }

  #countFrame(rate: ReceiveRate, { opcode, length }: FrameParser): void {
    if (rate.takeFrame(opcode === Opcode.continuation, length, this.#clock().now())) return
    throw new ProtocolError('tooManyMessages', `${rate.limits.maxMessagesPerSecond} a second at most`)
  }

  #readData(bytes: Uint8Array, parser: FrameParser): void {
    const sink = this.#askedSink()
    if (parser.begins) {
      if (parser.opcode !== Opcode.continuation) {
        if (parser.reservedBits === 0) this.#clear(Flag.decoding)
        else this.#set(Flag.decoding)
        this.#unfinished?.beginDecoding()
      }
      if (this.#is(Flag.decoding)) this.#unfinished?.addEncoded(shortHeader)
      if (parser.length === 0) this.#unfinished?.addIdle(shortHeader)
      sink.beginFrame(parser.opcode, parser.fin, this.#is(Flag.decoding) ? undefined : parser.length)
    }
    const message = this.#is(Flag.decoding)
      ? this.#decode(bytes, parser)
      : sink.add(bytes, parser.start, parser.end, parser.remaining, parser.isAscii)
    if (message !== undefined) this.deliver(message)
  }

  #decode(bytes: Uint8Array, parser: FrameParser): string | Uint8Array | undefined {
    this.#decoder ??= new MessageDecoder(this.#extension()!, this.#askedSink(), this)
    const decoder = this.#decoder
    this.#unfinished?.addEncoded(parser.end - parser.start)
    const message = decoder.decode(bytes, parser.start, parser.end, parser.fin && parser.remaining === 0)
    if (decoder.isBusy) this.#stop(StopReason.decoding)
    return message
  }

  #yield(): void {
    this.#stop(StopReason.yielding)
    this.#clock().task(() => this.resumeReading(StopReason.yielding))
  }

  /** Parses the unparsed input after the current call has returned. */
  #scheduleParsing(): void {
    if (this.#unparsedBytes() > 0 || this.#is(Flag.peerEnded)) this.#clock().defer(() => this.#parseUnparsed())
  }

  #newStreamer({ extension, ports, limits }: ConnectionOptions<unknown>): MessageStreamer {
    extension?.decodeForReader?.()
    return new MessageStreamer(ports.payload, ports.clock, limits, {
      began: (message) => this.deliverStream(message),
      mayRead: (may) => (may ? this.resumeReading(StopReason.reader) : this.stopReading(StopReason.reader)),
      heldChanged: () => {
        if (!this.#is(Flag.parsing)) this.#countHeld()
      },
    })
  }
}
