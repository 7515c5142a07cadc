import type { ConnectionPorts } from '../connection-types.js'
import { TransportError } from '../errors.js'
import type { Extension, SharedEncoder } from '../extensions/extension.js'
import type { Limits } from '../limits.js'
import { Opcode } from '../opcode.js'
import { textToBytes } from '../payload/text-to-bytes.js'
import { BroadcastMessage } from './broadcast-message.js'
import type { BufferBudget } from './buffer-budget.js'
import { finBit } from './frame-header.js'
import { byReferenceBytes, type Outbox } from './outbox.js'
import { OutgoingMessage, type OutgoingOptions, type OutgoingQueue } from './outgoing-message.js'
import { UnsentMessages } from './unsent-messages.js'

/** A message to send: text as a string, binary as bytes, or either for many connections. */
export type WholeMessage = string | Uint8Array | BroadcastMessage

interface WholeEntry {
  readonly kind: 'whole'
  /** Bytes that its sender does not change any more. Empty while it is read or encoded. */
  message: WholeMessage
  readonly compress: boolean | undefined
  state: 'reading' | 'ready' | 'encoding'
  /** The length of the payload, before an extension changes it. */
  readonly waitingBytes: number
}

/** The Close frame (RFC 6455 §5.5.1), or without a payload the end of the transport's sending side. */
interface ClosingEntry {
  readonly kind: 'closing'
  readonly payload: Uint8Array | undefined
  readonly waitingBytes: 0
}

type Entry = WholeEntry | OutgoingMessage | ClosingEntry

/** The connection that a queue belongs to. */
export interface SendQueueOwner {
  /** The network may have taken what waited. Called in a task of its own. */
  settle(): void
  /** Messages that waited were framed. */
  flushed(): void
  /** A message can't be completed. */
  fail(code: number, reason: string): void
}

/**
 * All that a connection sends except Pings and Pongs, in the order of the calls. A message is framed at once, unless it or
 * one before it takes longer: to be read, to be encoded by the extension, or to be written in pieces. That one is the head
 * of the queue, and the others wait behind it.
 */
export class SendQueue implements OutgoingQueue {
  readonly outbox: Outbox
  readonly extension: Extension | undefined
  readonly ports: ConnectionPorts
  readonly limits: Limits
  readonly #budget: BufferBudget | undefined
  readonly #owner: SendQueueOwner
  /** Undefined on a server, which does not ask for it. */
  readonly #unsent: UnsentMessages | undefined
  #head: Entry | undefined
  #behind: Entry[] | undefined
  /** The sum over all entries. */
  #entryBytes = 0
  #streams = 0
  #hasClosed = false
  #budgetedBytes = 0
  #owesDrain = false
  #afterStreams: (() => void)[] | undefined

  constructor(
    outbox: Outbox,
    extension: Extension | undefined,
    ports: ConnectionPorts,
    limits: Limits,
    budget: BufferBudget | undefined,
    owner: SendQueueOwner,
  ) {
    this.outbox = outbox
    this.extension = extension
    this.ports = ports
    this.limits = limits
    this.#budget = budget
    this.#owner = owner
    this.#unsent = outbox.masks ? new UnsentMessages(outbox, ports.clock) : undefined
  }

  /** Bytes not yet handed to the network: of frames, and of messages that are not framed yet. */
  get waitingBytes(): number {
    return this.outbox.waitingBytes + this.#entryBytes
  }

  /** Bytes framed since the start, and those of messages that are not framed yet. */
  get appendedBytes(): number {
    return this.outbox.appendedBytes + this.#entryBytes
  }

  /** As `Connection.unsentBytes` says. */
  get unsentBytes(): number {
    return this.#entryBytes + (this.#unsent?.bytes ?? 0)
  }

  get isAboveMark(): boolean {
    return this.waitingBytes > this.limits.highWaterMarkBytes
  }

  /** Whether no further message is to be taken. */
  get isFull(): boolean {
    const waiting = this.waitingBytes
    if (waiting > this.limits.maxBufferedBytes) return true
    return waiting > this.limits.highWaterMarkBytes && this.#budget?.isExceeded === true
  }

  /** Whether a message goes out in pieces, or waits to. */
  get isStreaming(): boolean {
    return this.#streams > 0
  }

  /** Whether someone was promised to be told when no more than the high-water mark waits. */
  get owesDrain(): boolean {
    return this.#owesDrain
  }

  /** Whether our Close has been framed. */
  get hasClosed(): boolean {
    return this.#hasClosed
  }

  /** Takes a message, and promises a drain where more than the high-water mark waits then. */
  send(message: WholeMessage, compress: boolean | undefined): 'sent' | 'buffered' {
    if (this.#head === undefined) this.#frame(message, compress)
    else this.#add(wholeEntry(this.#kept(message), compress, 'ready', this.#lengthOf(message)))
    const waiting = this.waitingBytes
    if (waiting <= this.limits.highWaterMarkBytes) return 'sent'
    this.#countInBudget(waiting)
    this.#owesDrain = true
    return 'buffered'
  }

  /** As `Connection.sendLater` says. */
  sendLater(length: number): (bytes: Uint8Array) => void {
    const entry = wholeEntry('', undefined, 'reading', length)
    this.#add(entry)
    return (bytes) => {
      entry.message = bytes
      entry.state = 'ready'
      if (entry === this.#head) this.#headIsReady(() => this.#frame(bytes, undefined))
    }
  }

  /** As `Connection.sendInPieces` says. */
  sendInPieces(options: OutgoingOptions, onClosed: (error: Error) => void): OutgoingMessage {
    const message = new OutgoingMessage(this, options, onClosed)
    this.#streams += 1
    this.#add(message)
    return message
  }

  /** Sends our Close behind what waits: once, RFC 6455 §5.5.1. */
  close(payload: Uint8Array): void {
    if (!this.#hasClosed) this.#add({ kind: 'closing', payload, waitingBytes: 0 })
  }

  /** Ends the transport's sending side behind what waits. */
  end(): void {
    this.#add({ kind: 'closing', payload: undefined, waitingBytes: 0 })
  }

  askForDrain(): void {
    this.#owesDrain = true
  }

  /** Whether no more than the high-water mark waits, and someone was promised to be told; the promise is kept now. */
  takeDrain(): boolean {
    if (this.isAboveMark) return false
    this.#countInBudget(0)
    const owed = this.#owesDrain
    this.#owesDrain = false
    return owed
  }

  /** The network may have taken what waited: a message in pieces goes on. */
  proceed(): void {
    if (this.#head?.kind === 'streamed') this.#head.proceed()
  }

  /** Runs an action once no message goes out in pieces: now, where none does; also where they will not go. */
  afterStreams(action: () => void): void {
    if (!this.isStreaming) {
      action()
      return
    }
    this.#afterStreams ??= []
    this.#afterStreams.push(action)
  }

  /**
   * Takes no further message. Drops those whose end is not known, in pieces or still to be read, with all behind the first
   * of them. Returns those in pieces, for `abandon`.
   */
  stop(): readonly OutgoingMessage[] {
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

  /** Tells messages that `stop` has dropped, and whoever waits for their end: code of the user. */
  abandon(messages: readonly OutgoingMessage[]): void {
    messages.forEach((message) => {
      message.close(new TransportError('the connection closed before what was sent had gone'))
    })
    this.#runAfterStreams()
  }

  /** Drops all that is not framed, with a Close that waits. */
  cancel(): void {
    this.extension?.close()
    this.#takeEntries().forEach((entry) => {
      this.#drop(entry)
    })
  }

  /** The network is gone: nothing counts in the budget any more. */
  release(): void {
    this.cancel()
    this.#countInBudget(0)
    this.#unsent?.release()
  }

  count(bytes: number): void {
    this.#entryBytes += bytes
  }

  fail(code: number, reason: string): void {
    this.#owner.fail(code, reason)
  }

  leave(message: OutgoingMessage): void {
    this.#entryBytes -= message.waitingBytes
    this.#streams -= 1
    if (message === this.#head) this.#advance()
    else this.#behind!.splice(this.#behind!.indexOf(message), 1)
    if (!this.isStreaming) this.#runAfterStreams()
    this.ports.clock.task(() => this.#owner.settle())
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

  /** Frames an entry, or makes it the head where that takes longer. */
  #begin(entry: Entry): void {
    if (entry.kind === 'streamed') {
      this.#head = entry
      entry.begin()
    } else if (entry.kind === 'closing') {
      if (entry.payload === undefined) {
        this.outbox.end()
      } else {
        this.#hasClosed = true
        this.outbox.addBytes(finBit | Opcode.close, entry.payload, 0, entry.payload.length)
      }
    } else if (entry.state !== 'ready') {
      this.#head = entry
    } else {
      this.#entryBytes -= entry.waitingBytes
      this.#frame(entry.message, entry.compress)
    }
  }

  /** What was behind the head goes on. */
  #advance(): void {
    const entries = this.#behind ?? []
    let at = 0
    this.#head = undefined
    while (this.#head === undefined && at < entries.length) this.#begin(entries[at++]!)
    entries.splice(0, at)
  }

  /** The head has been read or encoded. */
  #headIsReady(frame: () => void): void {
    this.#unsent?.hold()
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
    this.#entryBytes -= entry.waitingBytes
    this.#unsent?.drop(entry.waitingBytes)
  }

  /** Frames a message, or has the extension begin with it: then it is the head. */
  #frame(message: WholeMessage, compress: boolean | undefined): void {
    const length = this.extension === undefined ? 0 : this.#lengthToEncode(this.extension, message, compress)
    this.#unsent?.hold()
    if (length > 0) {
      this.#encode(this.extension!, message, length)
    } else if (typeof message === 'string') {
      const bytes = this.outbox.addText(finBit | Opcode.text, message)
      this.#unsent?.add(bytes, false)
    } else if (message instanceof BroadcastMessage) {
      this.outbox.addFrame(message.frame, message.joint)
    } else {
      this.outbox.addBytes(finBit | Opcode.binary, message, 0, message.length)
      this.#unsent?.add(message.length, false)
    }
  }

  /** The length of the payload where the extension is to change it, else 0. */
  #lengthToEncode(extension: Extension, message: WholeMessage, compress: boolean | undefined): number {
    // The length of a text in bytes takes a pass over it; it is at most three times its length.
    const most = typeof message === 'string' ? 3 * message.length : message.length
    if (!extension.wants(most, compress)) return 0
    const length = this.#lengthOf(message)
    return extension.wants(length, compress) ? length : 0
  }

  #encode(extension: Extension, message: WholeMessage, length: number): void {
    if (!(message instanceof BroadcastMessage)) this.#encodeAlone(extension, message, length)
    else if (extension.shared === undefined) this.#encodeAlone(extension, message.kept, length)
    else this.#encodeShared(extension.shared, message)
  }

  #encodeAlone(extension: Extension, message: string | Uint8Array, length: number): void {
    const chunk = length <= byReferenceBytes ? this.ports.scratchPool.take() : undefined
    const opcode = typeof message === 'string' ? Opcode.text : Opcode.binary
    const bytes = this.#toEncode(message, length, chunk)
    const encoded = extension.encode(bytes, 0, length, true, length - 1, (later) => {
      this.#headIsReady(() => this.#frameEncoded(opcode, bytes, length, later, chunk))
    })
    if (encoded === 'later') this.#add(wholeEntry('', undefined, 'encoding', length))
    else this.#frameEncoded(opcode, bytes, length, encoded, chunk)
  }

  #encodeShared(encoder: SharedEncoder, broadcast: BroadcastMessage): void {
    const frame = broadcast.encodedFrame(encoder, this.extension!.messageBits, (later) => {
      // The frame comes for other connections too, also where this one has dropped the message.
      if (stateOf(this.#head) === 'encoding') this.#headIsReady(() => this.outbox.addFrame(later))
    })
    if (frame === 'later') this.#add(wholeEntry('', undefined, 'encoding', broadcast.length))
    else this.outbox.addFrame(frame, broadcast.joint)
  }

  #frameEncoded(
    opcode: Opcode,
    bytes: Uint8Array,
    length: number,
    encoded: Uint8Array | undefined,
    chunk: Uint8Array | undefined,
  ): void {
    if (encoded === undefined) {
      this.outbox.addBytes(finBit | opcode, bytes, 0, length)
    } else {
      // The bytes that the extension returned are valid for now only, and long ones are not copied by the outbox.
      const own = encoded.length < byReferenceBytes ? encoded : this.ports.payload.copy(encoded, 0, encoded.length)
      this.outbox.addBytes(finBit | (this.extension!.messageBits << 4) | opcode, own, 0, own.length)
    }
    this.#unsent?.add(length, encoded !== undefined)
    if (chunk !== undefined) this.ports.scratchPool.give(chunk)
  }

  /** A message as bytes that stay unchanged: in a chunk where it is short. */
  #toEncode(message: string | Uint8Array, length: number, chunk: Uint8Array | undefined): Uint8Array {
    const { payload } = this.ports
    if (typeof message === 'string') {
      if (chunk === undefined) return textToBytes(payload, message, length)
      payload.encodeInto(message, chunk, 0)
      return chunk
    }
    if (chunk === undefined) return this.outbox.masks ? payload.copy(message, 0, length) : message
    chunk.set(message)
    return chunk
  }

  /** A message that its sender does not change any more: long bytes of a server's, which are not masked, are left so. */
  #kept(message: WholeMessage): WholeMessage {
    if (typeof message === 'string') return message
    if (message instanceof BroadcastMessage) return message.keep()
    const isLeft = !this.outbox.masks && message.length >= byReferenceBytes
    return isLeft ? message : this.ports.payload.copy(message, 0, message.length)
  }

  #lengthOf(message: WholeMessage): number {
    return typeof message === 'string' ? this.ports.payload.byteLength(message) : message.length
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

function wholeEntry(
  message: WholeMessage,
  compress: boolean | undefined,
  state: WholeEntry['state'],
  waitingBytes: number,
): WholeEntry {
  return { kind: 'whole', message, compress, state, waitingBytes }
}

function stateOf(entry: Entry | undefined): WholeEntry['state'] | undefined {
  return entry?.kind === 'whole' ? entry.state : undefined
}
