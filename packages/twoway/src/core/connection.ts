import type { Clock } from '../ports/clock.js'
import type { Payload } from '../ports/payload.js'
import type { Loss, Transport, TransportSink } from '../ports/transport.js'
import { type CloseStatus, checkCloseStatus, readClosePayload, shortenReason } from './closing/close-payload.js'
import { Closing, type ClosingOwner } from './closing/closing.js'
import type { ClosingEvent, ClosingState } from './closing/closing-handshake.js'
import type { Conduct, ConnectionEvents, ConnectionOptions, SendResult } from './connection-types.js'
import { asTransportError, closedWith, type ProtocolError, TransportError } from './errors.js'
import type { Limits } from './limits.js'
import { Opcode } from './opcode.js'
import type { FrameParser } from './receiving/frame-parser.js'
import type { MessageReader } from './receiving/message-reader.js'
import { StopReason } from './receiving/read-gate.js'
import { Receiver } from './receiving/receiver.js'
import type { BroadcastRun } from './sending/broadcast-run.js'
import { ControlFrames, checkControlPayload, sendControl } from './sending/control-frames.js'
import { FrameWriter, type FrameWriterOwner } from './sending/frame-writer.js'
import type { MessageWriter, MessageWriterOptions } from './sending/message-writer.js'
import { SendQueue, type SendQueueOwner } from './sending/send-queue.js'
import type { WholeMessage } from './sending/whole-message.js'

/** The conduct of the library's own servers and clients, except with a full buffer. */
export const usualConduct = {
  answersPings: true,
  explainsFailures: true,
  deliversWhileClosing: false,
} as const satisfies Partial<Conduct>

/**
 * One endpoint of a connection after the opening handshake, RFC 6455 §5 to §7: takes received bytes, delivers messages,
 * and frames messages to send.
 *
 * Owns its transport. Delivers messages in order, and none after `close`, `terminate` or `fail` was called or the
 * peer's Close arrived.
 */
export class Connection<Owner>
  extends Receiver
  implements TransportSink, FrameWriterOwner, SendQueueOwner, ClosingOwner
{
  protected readonly queue: SendQueue
  readonly #owner: Owner
  readonly #events: ConnectionEvents<Owner>
  readonly #conduct: Conduct
  /** Exists once a control frame can't be handled at once. */
  #control: ControlFrames | undefined
  /** Undefined while the connection is open. */
  #closing: Closing | undefined
  /** Bytes that the network had taken at the last call of `takeActivity`, or -1 if none waited then. */
  #takenBefore = -1

  constructor(options: ConnectionOptions<Owner>) {
    super(options)
    const { role, transport, ports, limits, extension, budget } = options
    const frameWriter = new FrameWriter(transport, ports, role === 'client' ? ports.random : undefined, this)
    this.queue = new SendQueue(frameWriter, extension, ports, limits, budget, this)
    this.#owner = options.owner
    this.#events = options.events
    this.#conduct = options.conduct
  }

  // The queue has these four. Fields of our own would cost every connection their memory.
  #frameWriter(): FrameWriter {
    return this.queue.frameWriter
  }

  #payload(): Payload {
    return this.queue.ports.payload
  }

  #clock(): Clock {
    return this.queue.ports.clock
  }

  #limits(): Limits {
    return this.queue.limits
  }

  get transport(): Transport {
    return this.#frameWriter().transport
  }

  get state(): ClosingState {
    return this.#closing?.state ?? 'open'
  }

  protected get isOpen(): boolean {
    return this.#closing === undefined
  }

  protected get delivers(): boolean {
    if (this.#closing === undefined) return true
    return this.#conduct.deliversWhileClosing && this.#closing.state === 'closeSent'
  }

  protected get reads(): boolean {
    return this.#closing === undefined || this.#closing.state === 'closeSent'
  }

  /** Bytes that are not yet handed to the network: frames, and payloads that are not framed yet. */
  get waitingBytes(): number {
    return this.queue.waitingBytes
  }

  /**
   * For a client: payload bytes that the network has not taken, counted without frame headers and before an extension
   * encodes them. The count does not fall within a task, nor for messages that are dropped.
   */
  get unsentBytes(): number {
    return this.queue.unsentBytes
  }

  /** Payload bytes of the message that `message` delivers, while it does: the length of a text in UTF-8. */
  get messageBytes(): number {
    return this.sink?.messageBytes ?? 0
  }

  /** Whether the message that `message` delivers is a text, while it does. */
  get messageIsText(): boolean {
    return this.sink?.isText === true
  }

  /** Right after a text was sent: its length in UTF-8. */
  get textBytes(): number {
    return this.queue.textBytes
  }

  /** Bytes framed for the network since the start. */
  get framedBytes(): number {
    return this.#frameWriter().appendedBytes
  }

  get isPaused(): boolean {
    return this.hasStopped(StopReason.paused)
  }

  /**
   * Whether the peer has shown activity since the last call: bytes arrived, or the network took bytes that were
   * waiting. A peer that is not read counts as active, unless bytes wait that the network does not take.
   */
  takeActivity(): boolean {
    const waiting = this.#frameWriter().waitingBytes
    const taken = this.#frameWriter().appendedBytes - waiting
    const hasHeard = this.takeHeard()
    const isActive = this.#takenBefore < 0 ? this.isStoppedByUs : taken > this.#takenBefore
    // The network takes bytes that did not have to wait even if the peer is dead, so only waiting bytes count.
    this.#takenBefore = waiting > 0 ? taken : -1
    return hasHeard || isActive
  }

  /**
   * Sends a message: text for a string, binary for bytes. A server does not copy long bytes: the caller must leave them
   * unchanged until they are sent.
   * @param compress whether to compress this message; by default the extension decides
   */
  send(message: WholeMessage, compress?: boolean): SendResult {
    if (this.#closing !== undefined) return 'closed'
    if (this.queue.isFull) return this.#refuseMessage()
    return this.queue.send(message, compress)
  }

  /** Sends messages in a row: all of them, or none. */
  sendRun(run: BroadcastRun): SendResult {
    if (this.#closing !== undefined) return 'closed'
    if (this.queue.isFull) return this.#refuseMessage()
    return this.queue.sendRun(run)
  }

  /**
   * Sends a binary message of known length whose bytes the caller has not read yet. The caller passes them to the
   * returned function, which takes them over. Later messages wait. If the connection leaves the open state first, this
   * message and those behind it are dropped. The connection must be open.
   */
  sendLater(length: number): (bytes: Uint8Array) => void {
    return this.queue.sendLater(length)
  }

  /**
   * Sends a message in pieces. The caller writes them once all earlier messages are framed. Later messages wait until
   * this one ends. The connection must be open.
   * @param onClosed called if the connection leaves the open state before the message ends
   */
  sendInPieces(options: MessageWriterOptions, onClosed: (error: Error) => void): MessageWriter {
    return this.queue.sendInPieces(options, onClosed)
  }

  /**
   * Runs an action once no message is being sent in pieces, or at once if none is. It also runs if such messages are
   * dropped.
   */
  afterPieces(action: () => void): void {
    this.queue.afterStreams(action)
  }

  /** Gathers frames until `uncork`, or until the end of a read within. */
  cork(): void {
    this.#frameWriter().cork()
  }

  /** Hands all frames to the transport. */
  flush(): void {
    this.#frameWriter().flush()
  }

  /** Whether a message was dropped that `send` has taken. */
  get hasDropped(): boolean {
    return this.queue.hasDropped
  }

  uncork(): void {
    this.#frameWriter().uncork()
    this.flushed()
  }

  /** Sends a Ping, RFC 6455 §5.5.2. */
  ping(payload: Uint8Array): void {
    checkControlPayload(payload)
    if (this.#closing === undefined) sendControl(this.#frameWriter(), Opcode.ping, payload)
  }

  /** Sends a Pong that answers a Ping, or none, RFC 6455 §5.5.3. */
  pong(payload: Uint8Array): void {
    checkControlPayload(payload)
    if (this.#closing === undefined) sendControl(this.#frameWriter(), Opcode.pong, payload)
  }

  /**
   * Requests a `drain` event for when no more than the high-water mark waits, as a `send` that returns 'buffered' does.
   */
  askForDrain(): void {
    this.queue.askForDrain()
  }

  /** Starts the closing handshake, unless it has started. Without a code, the Close has no payload. */
  close(code?: number, reason = ''): void {
    checkCloseStatus(this.#payload(), code, reason)
    this.#move('close', { code: code ?? 1005, reason })
  }

  /**
   * Fails the connection, §7.1.7: sends a Close with this status unless one was sent, and ends. Shortens a reason that
   * is too long.
   */
  fail(code: number, reason = ''): void {
    this.#move('fail', { code, reason: shortenReason(this.#payload(), reason) })
  }

  /**
   * Drops the connection and all waiting bytes at once. With `reset`, the transport resets the connection if it can.
   */
  terminate(reset = false): void {
    if (this.state === 'closed') return
    if (reset) this.#frameWriter().transport.destroy(true)
    this.#move('terminate')
  }

  /** Stops parsing and reading. */
  pause(): void {
    this.stopReading(StopReason.paused)
  }

  /** Continues after `pause`. Unparsed bytes are parsed after this call has returned. */
  resume(): void {
    this.resumeReading(StopReason.paused)
  }

  /** Stops parsing and reading until `handlerDone`: the connection waits for an asynchronous handler. */
  awaitHandler(): void {
    this.stopReading(StopReason.handler)
  }

  /** Continues after `awaitHandler`, as `resume` does after `pause`. */
  handlerDone(): void {
    this.resumeReading(StopReason.handler)
  }

  drained(): void {
    this.#frameWriter().drained()
    if (this.reads) this.#control?.sendWaitingPong()
    this.#events.written?.(this.#owner)
    this.settle()
  }

  protected peerEnd(): void {
    this.#move('peerEnd')
  }

  closed(loss?: Loss): void {
    // §7.1.4: our Close may still have been waiting behind a message.
    const wasClean = this.state === 'closesExchanged' && this.queue.hasClosed
    const wasOpen = this.#closing === undefined
    // The reader of a streamed message gets the error, too.
    const error = loss !== undefined && this.sink?.isStreaming === true ? asTransportError(loss) : undefined
    if (error !== undefined) this.sink?.release(error)
    const { code, reason } = this.#move('lost').peerStatus
    this.queue.release()
    this.releaseInput()
    if (wasOpen && loss !== undefined && !this.isEvicted) this.#tellLoss(error ?? loss)
    // Without spread syntax: on Node 20, the object it creates survives young collections and keeps the connection
    // alive.
    this.#events.closed(this.#owner, { code, reason, wasClean })
  }

  #tellLoss(loss: Loss): void {
    if (this.#events.lost !== undefined) this.#events.lost(this.#owner, loss)
    else this.#events.error(this.#owner, asTransportError(loss))
  }

  protected deliver(message: string | Uint8Array): void {
    this.#events.message(this.#owner, message)
  }

  protected deliverStream(message: MessageReader): void {
    this.#events.messageStream?.(this.#owner, message)
  }

  protected readControl(bytes: Uint8Array, parser: FrameParser): void {
    if (parser.begins && parser.remaining === 0) {
      this.#takeControl(parser.opcode, bytes, parser.start, parser.end)
    } else {
      const payload = this.#askedControl().gather(bytes, parser)
      if (payload !== undefined) this.#takeControl(parser.opcode, payload, 0, payload.length)
    }
  }

  #takeControl(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.countControl(end - start)
    if (opcode === Opcode.close) {
      const status = readClosePayload(this.#payload(), bytes, start, end)
      this.#events.peerClose?.(this.#owner, status)
      this.#move('peerClose', status)
    } else if (opcode === Opcode.ping) {
      if (this.#conduct.answersPings) this.#answerPing(bytes, start, end)
      if (this.#closing === undefined) this.#events.ping?.(this.#owner, this.#payload().copy(bytes, start, end))
    } else if (this.#closing === undefined) {
      this.#events.pong?.(this.#owner, this.#payload().copy(bytes, start, end))
    }
  }

  #answerPing(bytes: Uint8Array, start: number, end: number): void {
    const lags = this.#frameWriter().waitingBytes > this.#limits().highWaterMarkBytes
    if (lags || this.#control !== undefined) this.#askedControl().answerPing(bytes, start, end)
    else sendControl(this.#frameWriter(), Opcode.pong, bytes, start, end)
  }

  #askedControl(): ControlFrames {
    this.#control ??= new ControlFrames(this.#frameWriter(), this.#payload(), this.#limits().highWaterMarkBytes)
    return this.#control
  }

  #refuseMessage(): SendResult {
    if (this.#conduct.whenBufferFull === 'drop') return 'dropped'
    const waiting = this.waitingBytes
    const code = waiting > this.#limits().maxBufferedBytes ? 'bufferFull' : 'totalBufferFull'
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
    this.#events.written?.(this.#owner)
    if (this.isReading && !this.queue.owesDrain && !this.queue.isStreaming) return
    this.#clock().task(() => this.settle())
  }

  /** Waiting bytes may have been sent: continues reading, and emits `drain` if it was promised. */
  settle(): void {
    this.queue.proceed()
    if (this.isReading && !this.queue.owesDrain) return
    this.resumeAfterBacklog()
    if (this.#closing === undefined && this.queue.takeDrain()) this.#events.drain(this.#owner)
  }

  protected failBy(error: ProtocolError): void {
    this.sink?.release(error)
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
    const unfinished = this.queue.stop()
    const closing = new Closing(this.queue, this)
    this.#closing = closing
    closing.move(event, status)
    this.#leaveOpen(unfinished)
    return closing
  }

  #leaveOpen(unfinished: readonly MessageWriter[]): void {
    this.dropInput()
    this.queue.abandon(unfinished)
    this.readOn()
    this.#events.closing?.(this.#owner)
    if (this.isEvicted) this.#events.error(this.#owner, this.evictionError)
  }
}
