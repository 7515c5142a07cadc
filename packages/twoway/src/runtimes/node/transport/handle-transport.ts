import type { Socket } from 'node:net'
import { getSystemErrorMap, getSystemErrorName } from 'node:util'
import type { TransportError } from '../../../core/errors.js'
import { isError } from '../../../core/value-kinds.js'
import type { RewindableTransport, TransportPeer, TransportSink } from '../../../ports/transport.js'
import { dropped, explainDrop } from '../connect/explain-failure.js'
import { nextTick } from '../internals/genuine-timers.js'
import type { ReadControl } from '../internals/socket/stand-in-handle.js'
import type { HandleRequest, StreamHandle } from '../internals/stream-handle.js'
import { type StreamWrap, streamWrap } from '../internals/stream-wrap.js'
import { sharedMemory } from '../payload/shared-memory.js'
import { withoutStack } from '../without-stack.js'
import type { TransportOptions } from './stream-transport.js'

type OwnedHandle = StreamHandle & { transport?: HandleTransport }
type Request = HandleRequest & {
  transport?: HandleTransport
  /** The memory that the kernel still reads from. The handle does not keep it from garbage collection. */
  written?: Uint8Array | readonly Uint8Array[] | undefined
}

// Without these parts of Node, no transport is made.
const { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } =
  streamWrap ??
  ({
    WriteWrap: Object,
  } as unknown as StreamWrap)

/** The system's numbers of errors that are not failures here. */
const endOfFile = numberOf('EOF')
const notConnected = numberOf('ENOTCONN')

const shared = sharedMemory.bytes

/** A handle writes its peer's name here. It is shared, because it is read before the next call. */
const peerName = { address: '', family: '', port: 0 }

/** The request of the next write. A write that completes within its call leaves it unused. */
let spareRequest: Request = new WriteWrap()

/** The socket that had the handle before. It is told before the sink. */
export interface FormerSocket {
  readonly socket: Socket
  /** The connection that the socket's methods reach. */
  readControl: ReadControl | undefined
  /** Whether the program has ended our side by the socket. */
  readonly hasEnded: boolean
  ownerEnded(): void
  peerEnded(): void
  /** @param cause makes the system's error, if there was one */
  closed(cause?: () => Error | undefined): void
}

const noOptions: TransportOptions = {}

/** The states of a transport; several may apply at once. One number has them all, as each field costs idle memory. */
const Flag = {
  reading: 1,
  paused: 2,
  destroyed: 4,
  /** The handle is closing, or closed. */
  gone: 8,
  /** The peer's end is not yet delivered to the sink. */
  holdsEnd: 16,
  /** The close is not yet delivered to the sink. */
  holdsClose: 32,
  peerHasEnded: 64,
  /** Our side ends once all is written. */
  ending: 128,
  shutDown: 256,
  /** Our side has ended. */
  hasEnded: 512,
  /** A write is under way. Bytes written meanwhile wait in the queue. */
  writing: 1024,
} as const

/**
 * A transport directly over a handle of libuv, without Node's sockets, streams and events. It reads into the memory that
 * all transports of the thread share. The kernel has mostly taken a write when the call returns. The transport owns the
 * handle.
 */
export class HandleTransport implements RewindableTransport {
  readonly #handle: OwnedHandle
  readonly #explain: (cause: Error) => TransportError
  #formerSocket: FormerSocket | undefined
  #peer: TransportPeer | undefined
  #sink: TransportSink | undefined
  #head: Uint8Array | undefined
  #flags = 0
  /** Makes the error of a lost connection. */
  #loss: (() => TransportError) | undefined
  /** Bytes that wait for the write under way. */
  #queue: Uint8Array[] | undefined
  #queuedBytes = 0
  /** The pending bytes when they were last counted; a closed handle no longer knows them. */
  #lastPendingBytes = 0

  constructor(handle: StreamHandle, { head, peer, explain = explainDrop }: TransportOptions = noOptions) {
    this.#handle = handle
    this.#explain = explain
    this.#peer = peer
    if (head !== undefined && head.length > 0) this.#head = head
    this.#handle.transport = this
    handle.onread = HandleTransport.#onRead
    handle.useUserBuffer(shared)
  }

  /** The socket lives on without its handle, and must not outlive the transport. */
  set formerSocket(socket: FormerSocket) {
    this.#formerSocket = socket
  }

  get stream(): Socket {
    return this.#formerSocket!.socket
  }

  controlledBy(control: ReadControl): void {
    if (this.#formerSocket !== undefined) this.#formerSocket.readControl = control
  }

  get path(): 'handle' {
    return 'handle'
  }

  get pendingBytes(): number {
    if (this.#is(Flag.writing) && !this.#is(Flag.gone))
      this.#lastPendingBytes = this.#queuedBytes + this.#handle.writeQueueSize
    return this.#lastPendingBytes
  }

  get peer(): TransportPeer {
    this.#peer ??= this.#askPeer()
    return this.#peer
  }

  start(sink: TransportSink): void {
    this.#sink = sink
    this.#goOn()
  }

  unread(bytes: Uint8Array): void {
    this.#sink = undefined
    if (bytes.length > 0) this.#head = this.#head === undefined ? new Uint8Array(bytes) : joined(bytes, this.#head)
  }

  write(first: Uint8Array, second?: Uint8Array): void {
    if (this.#is(Flag.ending)) {
      this.#refuse(first, second)
      return
    }
    const length = second === undefined ? first.length : first.length + second.length
    if (this.#is(Flag.gone)) {
      this.#lastPendingBytes += length
    } else if (this.#is(Flag.writing)) {
      this.#enqueue(first, second)
      this.#queuedBytes += length
      this.#lastPendingBytes += length
    } else if (second !== undefined) {
      const both = [first, second]
      this.#afterWrite(this.#handle.writev(spareRequest, both, true), both, length)
    } else if (length > 0) {
      this.#afterWrite(this.#handle.writeBuffer(spareRequest, first), first, length)
    }
  }

  /** After an end by the former socket, of which the sink does not know, bytes can't be sent: the connection is lost. */
  #refuse(first: Uint8Array, second: Uint8Array | undefined): void {
    if (this.#formerSocket?.hasEnded !== true) return
    this.lose()
    this.#lastPendingBytes += first.length + (second?.length ?? 0)
  }

  pause(): void {
    this.#set(Flag.paused)
    this.#stopReading()
  }

  resume(): void {
    this.#clear(Flag.paused)
    this.#goOn()
  }

  end(): void {
    if (this.#is(Flag.ending)) return
    this.#set(Flag.ending)
    if (!this.#is(Flag.writing) && !this.#is(Flag.gone)) this.#shutDown()
  }

  destroy(reset = false): void {
    if (this.#is(Flag.destroyed)) return
    this.#lastPendingBytes = this.pendingBytes
    this.#set(Flag.destroyed)
    this.#close(reset)
    // The handle may have closed before, when the sink could not be told.
    if (this.#is(Flag.holdsClose)) nextTick(HandleTransport.#deliver, this)
  }

  /** The handle's former socket was closed by other code. */
  lose(reset = false): void {
    if (this.#is(Flag.gone)) return
    this.#lastPendingBytes = this.pendingBytes
    this.#loss = makeDropped
    this.#close(reset)
  }

  /** Continues to read after the delivery of everything that was held back. */
  #goOn(): void {
    const isHolding = this.#head !== undefined || this.#is(Flag.holdsEnd) || this.#is(Flag.holdsClose)
    if (isHolding && this.#sink !== undefined) nextTick(HandleTransport.#deliver, this)
    else this.#readOn()
  }

  #readOn(): void {
    if (this.#is(Flag.reading) || this.#is(Flag.peerHasEnded) || this.#is(Flag.gone) || !this.#mayDeliver()) return
    this.#set(Flag.reading)
    this.#failFor(this.#handle.readStart(), 'read')
  }

  #stopReading(): void {
    if (!this.#is(Flag.reading)) return
    this.#clear(Flag.reading)
    this.#handle.readStop()
  }

  /** Delivers everything that was held back, in the order of its arrival. */
  static #deliver(transport: HandleTransport): void {
    const head = transport.#head
    if (head !== undefined && transport.#mayDeliver()) {
      transport.#head = undefined
      transport.#sink!.received(head, 0, head.length)
    }
    if (transport.#is(Flag.holdsEnd) && transport.#mayDeliver()) transport.#tellEnd()
    if (transport.#is(Flag.holdsClose)) transport.#tellClose()
    transport.#readOn()
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

  #put(flag: number, isSet: boolean): void {
    if (isSet) this.#set(flag)
    else this.#clear(flag)
  }

  #mayDeliver(): boolean {
    return this.#sink !== undefined && !this.#is(Flag.paused) && !this.#is(Flag.destroyed) && this.#loss === undefined
  }

  static readonly #onRead = function (this: OwnedHandle): void {
    const length = streamBaseState[kReadBytesOrError]!
    const transport = this.transport!
    if (length > 0) transport.#received(length)
    else if (length === endOfFile) transport.#ended()
    else if (length < 0) transport.#readFailed(length)
  }

  /**
   * The connection is lost, which is most often a reset. This is a call of the handle, so that the sink can be told within
   * it: a callback of `close` would be one more call from Node (`npm run bench`, row `handshake`).
   */
  #readFailed(error: number): void {
    if (this.#is(Flag.gone)) return
    this.#loss = this.#lossOf(error, 'read')
    if (this.#formerSocket !== undefined) {
      this.#close()
      return
    }
    this.#leave()
    this.#handle.close()
    this.#tellClose()
  }

  #received(length: number): void {
    if (this.#is(Flag.gone)) return
    if (this.#sink === undefined || this.#is(Flag.paused) || this.#head !== undefined) {
      const bytes = shared.subarray(0, length)
      this.#head = this.#head === undefined ? new Uint8Array(bytes) : joined(this.#head, bytes)
      this.#stopReading()
    } else {
      this.#sink.received(shared, 0, length)
    }
  }

  #ended(): void {
    this.#stopReading()
    this.#set(Flag.peerHasEnded)
    this.#formerSocket?.peerEnded()
    this.#tellEnd()
    if (this.#is(Flag.hasEnded)) this.#close()
  }

  #tellEnd(): void {
    this.#put(Flag.holdsEnd, this.#sink === undefined || this.#is(Flag.paused) || this.#head !== undefined)
    if (!this.#is(Flag.holdsEnd) && !this.#is(Flag.destroyed) && this.#loss === undefined) this.#sink!.ended()
  }

  #enqueue(first: Uint8Array, second: Uint8Array | undefined): void {
    this.#queue ??= []
    this.#queue.push(first)
    if (second !== undefined) this.#queue.push(second)
  }

  /** The handle has taken a write, or the system's error was this. */
  #afterWrite(error: number, written: Uint8Array | readonly Uint8Array[], length: number): void {
    if (error !== 0) {
      this.#lastPendingBytes = length
      this.#failFor(error, 'write')
    } else if (streamBaseState[kLastWriteWasAsync] !== 0) {
      spareRequest.transport = this
      spareRequest.written = written
      spareRequest.oncomplete = HandleTransport.#onWritten
      spareRequest = new WriteWrap()
      this.#set(Flag.writing)
      this.#lastPendingBytes = this.#handle.writeQueueSize
    }
  }

  static readonly #onWritten = function (this: Request, status: number): void {
    // A request that waited long is in V8's old generation. The request would keep the bytes until V8 marks its heap.
    this.written = undefined
    this.transport!.#written(status)
  }

  #written(error: number): void {
    if (this.#is(Flag.gone)) return
    if (error !== 0) {
      this.#failFor(error, 'write')
      return
    }
    this.#clear(Flag.writing)
    this.#lastPendingBytes = 0
    const queue = this.#queue
    if (queue !== undefined) {
      const length = this.#queuedBytes
      this.#dropQueue()
      this.#afterWrite(this.#handle.writev(spareRequest, queue, true), queue, length)
    }
    if (this.#is(Flag.writing) || this.#is(Flag.gone)) return
    if (this.#is(Flag.ending)) this.#shutDown()
    this.#sink?.drained()
  }

  #dropQueue(): void {
    this.#queue = undefined
    this.#queuedBytes = 0
  }

  #shutDown(): void {
    // The close that follows ends our side too, and needs no call and no turn of its own for it.
    if (this.#is(Flag.peerHasEnded)) {
      this.#shutDownDone(0)
      return
    }
    this.#set(Flag.shutDown)
    const request: Request = new ShutdownWrap()
    request.transport = this
    request.oncomplete = HandleTransport.#onShutDown
    const error = this.#handle.shutdown(request)
    if (error !== 0) this.#shutDownDone(error)
  }

  static readonly #onShutDown = function (this: Request, status: number): void {
    this.transport!.#shutDownDone(status)
  }

  #shutDownDone(error: number): void {
    if (this.#is(Flag.gone)) return
    if (error < 0 && error !== notConnected) {
      this.#failFor(error, 'shutdown')
      return
    }
    this.#set(Flag.hasEnded)
    this.#formerSocket?.ownerEnded()
    if (this.#is(Flag.peerHasEnded)) this.#close()
  }

  #failFor(error: number, call: string): void {
    if (error === 0 || this.#is(Flag.gone)) return
    this.#loss = this.#lossOf(error, call)
    this.#close()
  }

  /** A function of its own, because its closure needs a context. */
  #lossOf(error: number, call: string): () => TransportError {
    const explain = this.#explain
    return () => withoutStack(() => explain(systemError(error, call)))
  }

  /** The handle is about to be closed, which stops its reading. */
  #leave(): void {
    this.#clear(Flag.reading)
    this.#set(Flag.gone)
    this.#dropQueue()
  }

  #close(reset = false): void {
    if (this.#is(Flag.gone)) return
    this.#leave()
    const closed = (): void => {
      this.#formerSocket?.closed(this.#loss && (() => causeOf(this.#loss!())))
      this.#tellClose()
    }
    // A handle refuses a reset after our side has ended, and where the system refuses it. It stays open then.
    const canReset = reset && !this.#is(Flag.shutDown)
    if (!canReset || this.#handle.reset?.(closed) !== 0) this.#handle.close(closed)
  }

  #tellClose(): void {
    const isInOrder = this.#loss === undefined && !this.#is(Flag.destroyed)
    this.#put(
      Flag.holdsClose,
      this.#sink === undefined || (isInOrder && (this.#is(Flag.holdsEnd) || this.#head !== undefined)),
    )
    if (!this.#is(Flag.holdsClose)) this.#sink!.closed(this.#loss)
  }

  #askPeer(): TransportPeer {
    const isNamed = !this.#is(Flag.gone) && this.#handle.getpeername?.(peerName) === 0
    if (!isNamed) return { address: undefined, port: undefined, encrypted: false }
    return { address: peerName.address, port: peerName.port, encrypted: false }
  }
}

function causeOf({ cause }: TransportError): Error | undefined {
  return isError(cause) ? cause : undefined
}

const makeDropped = (): TransportError => withoutStack(dropped)

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  return Buffer.concat([first, second])
}

function numberOf(code: string): number {
  for (const [number, [name]] of getSystemErrorMap()) if (name === code) return number
  throw new Error(`the system has no error ${code}`)
}

/** Makes the error that Node's sockets make. */
function systemError(number: number, call: string): Error {
  const code = getSystemErrorName(number)
  const error: NodeJS.ErrnoException = new Error(`${call} ${code}`)
  error.errno = number
  error.code = code
  error.syscall = call
  return error
}
