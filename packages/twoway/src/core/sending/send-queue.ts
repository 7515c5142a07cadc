import type { ConnectionPorts } from '../connection-types.js'
import { TransportError } from '../errors.js'
import type { Extension } from '../extensions/extension.js'
import type { Limits } from '../limits.js'
import { Opcode } from '../opcode.js'
import { BroadcastMessage } from './broadcast-message.js'
import type { BroadcastRun } from './broadcast-run.js'
import type { BufferBudget } from './buffer-budget.js'
import { byReferenceBytes, type FrameWriter } from './frame-writer.js'
import { MessageEncoder, type MessageEncoderQueue } from './message-encoder.js'
import { MessageWriter, type MessageWriterOptions, type MessageWriterQueue } from './message-writer.js'
import { type Entry, stateOf, wholeEntry } from './send-queue-entry.js'
import { UnsentMessages } from './unsent-messages.js'
import { lengthOf, TextBytes, type WholeMessage } from './whole-message.js'
import { finBit } from './write-frame-header.js'

// Most connections end without a message that waits.
const noMessages: readonly MessageWriter[] = []

/** The connection that owns a queue. */
export interface SendQueueOwner {
  /** The network may have taken waiting bytes. Called in a task of its own. */
  settle(): void
  /** Waiting messages were framed. */
  flushed(): void
  /** A message can't be completed. */
  fail(code: number, reason: string): void
}

/**
 * All messages that a connection sends, and its Close, in order. A message is framed at once unless it takes longer:
 * bytes that are still read, asynchronous encoding, or writing in pieces. Such a message becomes the head of the queue,
 * and all others wait behind it.
 */
export class SendQueue implements MessageWriterQueue, MessageEncoderQueue {
  readonly frameWriter: FrameWriter
  readonly ports: ConnectionPorts
  readonly limits: Limits
  /** See `Connection.textBytes`. */
  textBytes = 0
  readonly #encoder: MessageEncoder | undefined
  readonly #budget: BufferBudget | undefined
  readonly #owner: SendQueueOwner
  /** Undefined on a server, which has no use for it. */
  readonly #unsent: UnsentMessages | undefined
  #head: Entry | undefined
  #behind: Entry[] | undefined
  /** The waiting bytes of all entries. */
  #entryBytes = 0
  #streams = 0
  #hasClosed = false
  #hasDropped = false
  #budgetedBytes = 0
  #owesDrain = false
  #afterStreams: (() => void)[] | undefined

  constructor(
    frameWriter: FrameWriter,
    extension: Extension | undefined,
    ports: ConnectionPorts,
    limits: Limits,
    budget: BufferBudget | undefined,
    owner: SendQueueOwner,
  ) {
    this.frameWriter = frameWriter
    this.ports = ports
    this.limits = limits
    this.#encoder = extension && new MessageEncoder(extension, this)
    this.#budget = budget
    this.#owner = owner
    this.#unsent = frameWriter.masks ? new UnsentMessages(frameWriter, ports.clock) : undefined
  }

  get extension(): Extension | undefined {
    return this.#encoder?.extension
  }

  /** Bytes that are not yet handed to the network: frames, and payloads that are not framed yet. */
  get waitingBytes(): number {
    return this.frameWriter.waitingBytes + this.#entryBytes
  }

  /** Bytes framed since the start, plus payloads that are not framed yet. */
  get appendedBytes(): number {
    return this.frameWriter.appendedBytes + this.#entryBytes
  }

  /** See `Connection.unsentBytes`. */
  get unsentBytes(): number {
    return this.#entryBytes + (this.#unsent?.bytes ?? 0)
  }

  get isAboveMark(): boolean {
    return this.waitingBytes > this.limits.highWaterMarkBytes
  }

  /** Whether further messages must be refused. */
  get isFull(): boolean {
    const waiting = this.waitingBytes
    if (waiting > this.limits.maxBufferedBytes) return true
    return waiting > this.limits.highWaterMarkBytes && this.#budget?.isExceeded === true
  }

  /** Whether a message is sent in pieces, or waits to be. */
  get isStreaming(): boolean {
    return this.#streams > 0
  }

  /** Whether a `drain` was promised for when no more than the high-water mark waits. */
  get owesDrain(): boolean {
    return this.#owesDrain
  }

  /** Whether our Close was framed. */
  get hasClosed(): boolean {
    return this.#hasClosed
  }

  /** Whether messages were dropped that `send` has taken. */
  get hasDropped(): boolean {
    return this.#hasDropped
  }

  /** Queues or frames a message. Promises a `drain` if more than the high-water mark waits then. */
  send(message: WholeMessage, compress: boolean | undefined): 'sent' | 'buffered' {
    if (this.#head === undefined) this.#frame(message, compress)
    else this.#queue(message, compress)
    return this.#resultOfSend()
  }

  /** Queues or frames messages in a row, as `send` does each of them. */
  sendRun(run: BroadcastRun): 'sent' | 'buffered' {
    const isPlain = this.#head === undefined && this.#encoder === undefined
    if (isPlain) this.frameWriter.addFrame(run.frames)
    else for (const message of run.messages) this.send(message, undefined)
    return this.#resultOfSend()
  }

  #resultOfSend(): 'sent' | 'buffered' {
    const waiting = this.waitingBytes
    if (waiting <= this.limits.highWaterMarkBytes) return 'sent'
    this.#countInBudget(waiting)
    this.#owesDrain = true
    return 'buffered'
  }

  #queue(message: WholeMessage, compress: boolean | undefined): void {
    const length = lengthOf(this.ports.payload, message)
    this.textBytes = length
    this.#add(wholeEntry(this.#kept(message), compress, 'ready', length))
  }

  /** See `Connection.sendLater`. */
  sendLater(length: number): (bytes: Uint8Array) => void {
    const entry = wholeEntry('', undefined, 'reading', length)
    this.#add(entry)
    return (bytes) => {
      entry.message = bytes
      entry.state = 'ready'
      if (entry === this.#head) this.#headIsReady(() => this.#frame(bytes, undefined))
    }
  }

  /** See `Connection.sendInPieces`. */
  sendInPieces(options: MessageWriterOptions, onClosed: (error: Error) => void): MessageWriter {
    const message = new MessageWriter(this, options, onClosed)
    this.#streams += 1
    this.#add(message)
    return message
  }

  /** Sends our Close after all waiting entries, once, RFC 6455 §5.5.1. */
  close(payload: Uint8Array): void {
    if (!this.#hasClosed) this.#add({ kind: 'closing', payload, waitingBytes: 0 })
  }

  /** Ends the transport's sending side after all waiting entries. */
  end(): void {
    this.#add({ kind: 'closing', payload: undefined, waitingBytes: 0 })
  }

  askForDrain(): void {
    this.#owesDrain = true
  }

  /** Whether a promised `drain` is due. Resets the promise. */
  takeDrain(): boolean {
    if (this.isAboveMark) return false
    this.#countInBudget(0)
    const owed = this.#owesDrain
    this.#owesDrain = false
    return owed
  }

  /** The network may have taken waiting bytes: continues a message in pieces. */
  proceed(): void {
    if (this.#head?.kind === 'streamed') this.#head.proceed()
  }

  /** See `Connection.afterPieces`. */
  afterStreams(action: () => void): void {
    if (!this.isStreaming) {
      action()
      return
    }
    this.#afterStreams ??= []
    this.#afterStreams.push(action)
  }

  /**
   * Takes no further messages. Drops from the first unfinished message on: one in pieces, or one whose bytes are still
   * read. Returns the dropped messages in pieces, for `abandon`.
   */
  stop(): readonly MessageWriter[] {
    if (this.#head === undefined) return noMessages
    const entries = this.#takeEntries()
    const first = entries.findIndex((entry) => entry.kind === 'streamed' || stateOf(entry) === 'reading')
    const dropped = first < 0 ? [] : entries.splice(first)
    this.#head = entries.shift()
    this.#behind = entries
    dropped.forEach((entry) => {
      this.#drop(entry)
    })
    this.#streams = 0
    return dropped.filter((entry) => entry.kind === 'streamed')
  }

  /**
   * Tells the writers of messages that `stop` has dropped, and runs the actions that wait for their end. Both run user
   * code.
   */
  abandon(messages: readonly MessageWriter[]): void {
    messages.forEach((message) => {
      message.close(new TransportError('the connection closed before the message was sent'))
    })
    this.#runAfterStreams()
  }

  /** Drops all entries, including a Close that waits. */
  cancel(): void {
    this.extension?.close()
    if (this.#head === undefined) return
    this.#takeEntries().forEach((entry) => {
      this.#drop(entry)
    })
  }

  /** The network is gone: removes the connection from the budget. */
  release(): void {
    this.cancel()
    this.#countInBudget(0)
    this.#unsent?.unfreeze()
  }

  count(bytes: number): void {
    this.#entryBytes += bytes
  }

  fail(code: number, reason: string): void {
    this.#owner.fail(code, reason)
  }

  leave(message: MessageWriter): void {
    this.#entryBytes -= message.waitingBytes
    this.#streams -= 1
    if (message === this.#head) this.#advance()
    else this.#behind!.splice(this.#behind!.indexOf(message), 1)
    if (!this.isStreaming) this.#runAfterStreams()
    this.ports.clock.task(() => this.#owner.settle())
  }

  awaitEncoding(length: number): void {
    this.#add(wholeEntry('', undefined, 'encoding', length))
  }

  encoded(frame: () => void): void {
    // A shared frame is encoded to its end even if this connection has dropped the message meanwhile.
    if (stateOf(this.#head) === 'encoding') this.#headIsReady(frame)
  }

  countFramed(length: number, isEncoded: boolean): void {
    this.#unsent?.add(length, isEncoded)
  }

  #add(entry: Entry): void {
    this.#entryBytes += entry.waitingBytes
    if (this.#head === undefined) {
      this.#begin(entry)
    } else {
      this.#behind ??= []
      this.#behind.push(entry)
    }
  }

  /** Frames an entry, or makes it the head if it takes longer. */
  #begin(entry: Entry): void {
    if (entry.kind === 'streamed') {
      this.#head = entry
      entry.begin()
    } else if (entry.kind === 'closing') {
      if (entry.payload === undefined) {
        this.frameWriter.end()
      } else {
        this.#hasClosed = true
        this.frameWriter.addBytes(finBit | Opcode.close, entry.payload, 0, entry.payload.length)
      }
    } else if (entry.state !== 'ready') {
      this.#head = entry
    } else {
      this.#entryBytes -= entry.waitingBytes
      this.#frame(entry.message, entry.compress)
    }
  }

  /** Frames the entries behind the former head. */
  #advance(): void {
    const entries = this.#behind ?? []
    let at = 0
    this.#head = undefined
    while (this.#head === undefined && at < entries.length) this.#begin(entries[at++]!)
    entries.splice(0, at)
  }

  /** The head was read or encoded. */
  #headIsReady(frame: () => void): void {
    this.#unsent?.freeze()
    this.#entryBytes -= this.#head!.waitingBytes
    this.#head = undefined
    frame()
    if (this.#head === undefined) this.#advance()
    this.#owner.flushed()
  }

  #takeEntries(): Entry[] {
    const entries = this.#head === undefined ? [] : [this.#head, ...(this.#behind ?? [])]
    this.#head = undefined
    this.#behind = undefined
    return entries
  }

  #drop(entry: Entry): void {
    if (entry.kind !== 'closing') this.#hasDropped = true
    this.#entryBytes -= entry.waitingBytes
    this.#unsent?.drop(entry.waitingBytes)
  }

  /** Frames a message, or starts to encode it; asynchronous encoding makes it the head. */
  #frame(message: WholeMessage, compress: boolean | undefined): void {
    this.#unsent?.freeze()
    const length = this.#encoder?.encode(message, compress) ?? 0
    if (length > 0) {
      this.textBytes = length
      return
    }
    if (typeof message === 'string') {
      const bytes = this.frameWriter.addText(finBit | Opcode.text, message)
      this.textBytes = bytes
      this.#unsent?.add(bytes, false)
    } else if (message instanceof BroadcastMessage) {
      this.frameWriter.addFrame(message.frame, message.joint)
    } else {
      const isText = message instanceof TextBytes
      const bytes = isText ? message.bytes : message
      this.frameWriter.addBytes(finBit | (isText ? Opcode.text : Opcode.binary), bytes, 0, bytes.length)
      this.#unsent?.add(message.length, false)
    }
  }

  /**
   * A message in memory that the sender does not change. A server's long bytes are not copied, as `send` requires them
   * to stay unchanged.
   */
  #kept(message: WholeMessage): WholeMessage {
    if (typeof message === 'string') return message
    if (message instanceof BroadcastMessage) return message.keep()
    return message instanceof TextBytes ? new TextBytes(this.#keptBytes(message.bytes)) : this.#keptBytes(message)
  }

  #keptBytes(message: Uint8Array): Uint8Array {
    const isLeft = !this.frameWriter.masks && message.length >= byReferenceBytes
    return isLeft ? message : this.ports.payload.copy(message, 0, message.length)
  }

  #runAfterStreams(): void {
    const actions = this.#afterStreams ?? []
    this.#afterStreams = undefined
    actions.forEach((action) => {
      action()
    })
  }

  #countInBudget(waiting: number): void {
    if (waiting === this.#budgetedBytes) return
    this.#budget?.change(this.#budgetedBytes, waiting)
    this.#budgetedBytes = waiting
  }
}
