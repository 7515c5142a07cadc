import type { ConnectionPorts } from '../connection-types.js'
import { TransportError } from '../errors.js'
import type { Extension, SharedEncoder } from '../extensions/extension.js'
import type { Limits } from '../limits.js'
import { Opcode } from '../opcode.js'
import type { BroadcastMessage } from './broadcast-message.js'
import type { BufferBudget } from './buffer-budget.js'
import { finBit } from './frame-header.js'
import { byReferenceBytes, type Outbox } from './outbox.js'
import { OutgoingMessage, type OutgoingOptions, type OutgoingQueue } from './outgoing-message.js'
import { UnsentMessages } from './unsent-messages.js'

interface WholeMessage {
  readonly kind: 'whole'
  /** The queue's own, or left unchanged by its sender; empty until it has been read. */
  message: string | Uint8Array
  /** The length of its payload, before an extension changes it. */
  readonly waitingBytes: number
  readonly compress: boolean | undefined
  /** The message, where it goes to other connections too. */
  readonly broadcast: BroadcastMessage | undefined
  /** Only a message at the head of the queue is encoded. */
  state: 'reading' | 'ready' | 'encoding'
}

/** The Close frame, RFC 6455 §5.5.1. */
interface CloseFrame {
  readonly kind: 'close'
  readonly payload: Uint8Array
  readonly waitingBytes: 0
}

/** The end of the transport's sending side. */
interface TransportEnd {
  readonly kind: 'end'
  readonly waitingBytes: 0
}

type Entry = WholeMessage | OutgoingMessage | CloseFrame | TransportEnd

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
 * All that a connection sends except Pings and Pongs, in the order of the calls. A message is framed at once where
 * nothing waits and no extension takes its time; else it is an entry, and only the entry at the head is framed.
 *
 * The bytes that wait are one number: the payloads of the entries, and of frames what the outbox counts.
 */
export class SendQueue implements OutgoingQueue {
  readonly outbox: Outbox
  readonly extension: Extension | undefined
  readonly ports: ConnectionPorts
  readonly limits: Limits
  readonly #isServer: boolean
  readonly #budget: BufferBudget | undefined
  readonly #owner: SendQueueOwner
  /** A server has none: nothing asks for its number. */
  readonly #unsent: UnsentMessages | undefined
  /** Undefined while nothing waits. */
  #entries: Entry[] | undefined
  /** The sum over the entries. */
  #entryBytes = 0
  #streamedEntries = 0
  #hasClosed = false
  /** What counts in the budget. */
  #budgetedBytes = 0
  #owesDrain = false
  #whenStreamsEnd: (() => void)[] | undefined

  /** @param role a server does not mask, so that long bytes of its messages go out from where they are */
  constructor(
    role: 'client' | 'server',
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
    this.#isServer = role === 'server'
    this.#budget = budget
    this.#owner = owner
    this.#unsent = role === 'client' ? new UnsentMessages(outbox, ports.clock) : undefined
  }

  /** Bytes not yet handed to the network: of frames, and of messages that are not framed yet. */
  get waitingBytes(): number {
    return this.outbox.waitingBytes + this.#entryBytes
  }

  /** Bytes framed since the start, and those of messages that are not framed yet. */
  get appendedBytes(): number {
    return this.outbox.appendedBytes + this.#entryBytes
  }

  /** Of a client: bytes of messages that the network has not taken, as `bufferedAmount` counts them. */
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
    return this.#streamedEntries > 0
  }

  /** Whether someone waits for room: to be told of it, or to go on with a message in pieces. */
  get isAwaited(): boolean {
    return this.#owesDrain || this.isStreaming
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
  send(
    message: string | Uint8Array,
    compress: boolean | undefined,
    broadcast: BroadcastMessage | undefined,
  ): 'sent' | 'buffered' {
    if (this.#entries !== undefined) this.#wait(message, compress, broadcast)
    else this.#frame(message, compress, broadcast)
    const waiting = this.waitingBytes
    if (waiting <= this.limits.highWaterMarkBytes) return 'sent'
    this.#countInBudget(waiting)
    this.#owesDrain = true
    return 'buffered'
  }

  /** As `Connection.sendLater` says. */
  sendLater(length: number): (bytes: Uint8Array) => void {
    const entry = wholeMessage('', length, 'reading')
    this.#add(entry)
    return (bytes) => {
      entry.message = bytes
      entry.state = 'ready'
      if (this.#entries?.[0] !== entry) return
      this.#advance()
      this.#owner.flushed()
    }
  }

  /** As `Connection.sendInPieces` says. */
  sendInPieces(options: OutgoingOptions, onClosed: (error: Error) => void): OutgoingMessage {
    const message = new OutgoingMessage(this, options, onClosed)
    this.#streamedEntries += 1
    this.#add(message)
    return message
  }

  /** Sends our Close behind what waits: once, RFC 6455 §5.5.1. */
  close(payload: Uint8Array): void {
    if (!this.#hasClosed) this.#add({ kind: 'close', payload, waitingBytes: 0 })
  }

  /** Ends the transport's sending side behind what waits. */
  end(): void {
    this.#add({ kind: 'end', waitingBytes: 0 })
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
    const head = this.#entries?.[0]
    if (head?.kind === 'streamed') head.proceed()
  }

  /** Runs an action once no message goes out in pieces: now, where none does; also where they will not go. */
  afterStreams(action: () => void): void {
    if (!this.isStreaming) {
      action()
      return
    }
    this.#whenStreamsEnd ??= []
    this.#whenStreamsEnd.push(action)
  }

  /**
   * No further message is sent, and none behind one whose end is not known: in pieces, or still to be read. Returns those
   * in pieces, for `abandon`.
   */
  stop(): readonly OutgoingMessage[] {
    const entries = this.#entries ?? []
    const first = entries.findIndex((entry) => entry.kind === 'streamed' || stateOf(entry) === 'reading')
    const dropped = first < 0 ? [] : entries.splice(first)
    for (const entry of dropped) this.#drop(entry)
    if (first === 0) this.#entries = undefined
    return dropped.filter((entry) => entry.kind === 'streamed')
  }

  /** Tells messages that `stop` has dropped, and whoever waits for their end. Runs code of the user. */
  abandon(messages: readonly OutgoingMessage[]): void {
    for (const message of messages) {
      message.close(new TransportError('the connection closed before what was sent had gone'))
    }
    this.#streamsEnded()
  }

  /** Drops all that is not framed, with a Close that waits. */
  cancel(): void {
    this.extension?.close()
    for (const entry of this.#entries ?? []) this.#drop(entry)
    this.#entries = undefined
  }

  /** The network is gone: nothing counts in the budget any more. */
  release(): void {
    this.cancel()
    this.#countInBudget(0)
    this.#unsent?.release()
  }

  /** Counts bytes of the message in pieces at the head. */
  count(bytes: number): void {
    this.#entryBytes += bytes
  }

  fail(code: number, reason: string): void {
    this.#owner.fail(code, reason)
  }

  /** A message in pieces is over, or given up. */
  leave(message: OutgoingMessage): void {
    const entries = this.#entries!
    if (entries[0] === message) {
      this.#shift()
      this.#advance()
    } else {
      entries.splice(entries.indexOf(message), 1)
      this.#uncount(message)
    }
    if (!this.isStreaming) this.#streamsEnded()
    this.ports.clock.task(() => this.#owner.settle())
  }

  /** Short bytes may be changed after `send`, so they wait as a copy. */
  #wait(message: string | Uint8Array, compress: boolean | undefined, broadcast: BroadcastMessage | undefined): void {
    const length = this.#lengthOf(message)
    const isKept = typeof message === 'string' || (this.#isServer && length >= byReferenceBytes)
    const own = broadcast?.kept ?? (isKept ? message : this.ports.payload.copy(message, 0, length))
    this.#add(wholeMessage(own, length, 'ready', compress, broadcast))
  }

  #add(entry: Entry): void {
    this.#entryBytes += entry.waitingBytes
    this.#entries ??= []
    if (this.#entries.push(entry) === 1) this.#advance()
  }

  /** Frames what comes to the head of the queue, up to an entry that takes longer. */
  #advance(): void {
    for (let head = this.#entries?.[0]; head !== undefined; head = this.#entries?.[0]) {
      if (!this.#goes(head)) return
      this.#shift()
    }
  }

  /** Frames the entry at the head, or begins with it and returns false. */
  #goes(head: Entry): boolean {
    switch (head.kind) {
      case 'whole':
        return head.state === 'ready' && this.#frame(head.message, head.compress, head.broadcast)
      case 'streamed':
        head.begin()
        return false
      case 'close':
        this.#hasClosed = true
        this.outbox.addBytes(finBit | Opcode.close, head.payload, 0, head.payload.length)
        return true
      case 'end':
        this.outbox.end()
        return true
    }
  }

  /** Takes the head out of the queue. */
  #shift(): void {
    const entries = this.#entries!
    this.#uncount(entries.shift()!)
    if (entries.length === 0) this.#entries = undefined
  }

  #uncount(entry: Entry): void {
    this.#entryBytes -= entry.waitingBytes
    if (entry.kind === 'streamed') this.#streamedEntries -= 1
  }

  #drop(entry: Entry): void {
    this.#uncount(entry)
    this.#unsent?.drop(entry.waitingBytes)
  }

  /** Frames a message, or has the extension begin with it and returns false. */
  #frame(
    message: string | Uint8Array,
    compress: boolean | undefined,
    broadcast: BroadcastMessage | undefined,
  ): boolean {
    const length = this.extension === undefined ? 0 : this.#lengthToEncode(message, compress, broadcast)
    if (length > 0) return this.#encode(message, length, broadcast)
    this.#unsent?.hold()
    if (broadcast !== undefined) {
      this.outbox.addFrame(broadcast.frame, broadcast.joint)
    } else if (typeof message === 'string') {
      const bytes = this.outbox.addText(finBit | Opcode.text, message)
      this.#unsent?.add(bytes, false)
    } else {
      this.outbox.addBytes(finBit | Opcode.binary, message, 0, message.length)
      this.#unsent?.add(message.length, false)
    }
    return true
  }

  /** The length of the payload where the extension is to change it, else 0. */
  #lengthToEncode(
    message: string | Uint8Array,
    compress: boolean | undefined,
    broadcast: BroadcastMessage | undefined,
  ): number {
    const extension = this.extension!
    // The length of a text in bytes takes a pass over it; it is at most three times its length.
    const most = typeof message === 'string' ? 3 * message.length : message.length
    if (!extension.wants(most, compress)) return 0
    const length = broadcast?.length ?? this.#lengthOf(message)
    return extension.wants(length, compress) ? length : 0
  }

  #encode(message: string | Uint8Array, length: number, broadcast: BroadcastMessage | undefined): boolean {
    if (broadcast === undefined) return this.#encodeAlone(message, length)
    const { shared } = this.extension!
    return shared === undefined ? this.#encodeAlone(broadcast.kept, length) : this.#encodeShared(broadcast, shared)
  }

  /** On its own, as a function that makes a closure makes a context for it each time it is called. */
  #encodeAlone(message: string | Uint8Array, length: number): boolean {
    const { payload, scratchPool } = this.ports
    const opcode = typeof message === 'string' ? Opcode.text : Opcode.binary
    const chunk = length <= byReferenceBytes ? scratchPool.take() : undefined
    const bytes = this.#toEncode(message, length, chunk)
    const frame = (encoded: Uint8Array | undefined): void => {
      this.#unsent?.hold()
      if (encoded === undefined) {
        this.outbox.addBytes(finBit | opcode, bytes, 0, length)
      } else {
        // The bytes that the extension returned are valid for now only, and long ones are not copied by the outbox.
        const own = encoded.length < byReferenceBytes ? encoded : payload.copy(encoded, 0, encoded.length)
        this.outbox.addBytes(finBit | (this.extension!.messageBits << 4) | opcode, own, 0, own.length)
      }
      this.#unsent?.add(length, encoded !== undefined)
      if (chunk !== undefined) scratchPool.give(chunk)
    }
    const encoded = this.extension!.encode(bytes, 0, length, true, length - 1, (later) => {
      frame(later)
      this.#headIsFramed()
    })
    if (encoded === 'later') return this.#encodesHead(length)
    frame(encoded)
    return true
  }

  #encodeShared(broadcast: BroadcastMessage, shared: SharedEncoder): boolean {
    const frame = broadcast.encodedFrame(shared, this.extension!.messageBits, (later) => {
      // Others wait for this frame too: it also comes where this connection has dropped the message.
      if (stateOf(this.#entries?.[0]) !== 'encoding') return
      this.outbox.addFrame(later)
      this.#headIsFramed()
    })
    if (frame === 'later') return this.#encodesHead(broadcast.length)
    this.outbox.addFrame(frame, broadcast.joint)
    return true
  }

  /** The extension takes its time with the message at the head, which may not have been an entry so far. */
  #encodesHead(length: number): false {
    const head = this.#entries?.[0]
    if (head === undefined) this.#add(wholeMessage('', length, 'encoding'))
    else (head as WholeMessage).state = 'encoding'
    return false
  }

  /** The message at the head is encoded and framed: the messages behind it go on. */
  #headIsFramed(): void {
    this.#shift()
    this.#advance()
    this.#owner.flushed()
  }

  /** A message as bytes that stay unchanged: in a chunk where it is short. */
  #toEncode(message: string | Uint8Array, length: number, chunk: Uint8Array | undefined): Uint8Array {
    const { payload } = this.ports
    if (typeof message === 'string') {
      const bytes = chunk ?? payload.allocate(length)
      payload.encodeInto(message, bytes, 0)
      return bytes
    }
    if (chunk === undefined) return this.#isServer ? message : payload.copy(message, 0, length)
    chunk.set(message)
    return chunk
  }

  #lengthOf(message: string | Uint8Array): number {
    return typeof message === 'string' ? this.ports.payload.byteLength(message) : message.length
  }

  #streamsEnded(): void {
    const actions = this.#whenStreamsEnd ?? []
    this.#whenStreamsEnd = undefined
    for (const action of actions) action()
  }

  #countInBudget(waiting: number): void {
    if (waiting === this.#budgetedBytes) return
    this.#budget?.change(this.#budgetedBytes, waiting)
    this.#budgetedBytes = waiting
  }
}

function wholeMessage(
  message: string | Uint8Array,
  waitingBytes: number,
  state: WholeMessage['state'],
  compress?: boolean,
  broadcast?: BroadcastMessage,
): WholeMessage {
  return { kind: 'whole', message, waitingBytes, compress, broadcast, state }
}

function stateOf(entry: Entry | undefined): WholeMessage['state'] | undefined {
  return entry?.kind === 'whole' ? entry.state : undefined
}
