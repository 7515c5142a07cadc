import { Buffer } from 'node:buffer'
import { Socket } from 'node:net'
import { nextTick } from '../genuine-timers.js'
import type { StreamHandle } from '../stream-handle.js'
import { streamWrap } from '../stream-wrap.js'

/** The transport that has taken the handle of a socket. */
export interface HandleOwner {
  write(bytes: Uint8Array): void
  end(): void
  /** The socket was destroyed. */
  lose(reset: boolean): void
}

/** The connection that a socket's methods reach after its handle was taken. */
export interface ReadControl {
  /** Writes the frames of this turn: the socket writes or ends after them. */
  flush(): void
  pause(): void
  resume(): void
}

/** Members of the handles of TCP and of pipes that sockets use. A handle has only some of them. */
interface SocketHandle extends StreamHandle {
  readonly bytesRead?: number
  readonly bytesWritten?: number
  readonly fd?: number
  getsockname?(into: object): number
  setKeepAlive?(...settings: unknown[]): number
  setTypeOfService?(value: number): number
  getTypeOfService?(): number
  ref?(): void
  unref?(): void
  hasRef?(): boolean
  getAsyncId?(): number
}

type Shell = Socket & { _handle: unknown; _unrefTimer(): void }

/**
 * Takes the place of the handle that a transport has taken from a socket, so that the socket's own methods keep working: its
 * addresses, `setNoDelay`, `setKeepAlive`, `ref`, `bytesRead`, `write`, `end` and `destroy`. Only its reading does not: the
 * socket emits no 'data'.
 */
export class StandInHandle {
  /** Keeps the socket from starting to read. */
  readonly reading = true
  onread: unknown
  readControl: ReadControl | undefined
  readonly #socket: Shell
  readonly #handle: SocketHandle
  readonly #owner: HandleOwner
  /** Whether `close` resets the connection. */
  #resets = false
  #isClosed = false
  #hasEnded = false
  /** Tells the socket that the handle has closed. */
  #whenClosed: (() => void) | undefined
  /** Bytes that had been read and written when the socket's timer was last asked. */
  #bytesBefore = 0
  /** Whether the socket has emitted 'timeout' since bytes last came or went. */
  #hasTimedOut = false

  /** @param owner it must call `ownerEnded`, `peerEnded` and `closed` */
  constructor(socket: Socket, handle: StreamHandle, owner: HandleOwner) {
    const shell = socket as Shell
    this.#socket = shell
    this.#handle = handle
    this.#owner = owner
    shell._handle = this
    // The owner ends its side when it likes, not when the peer does.
    shell.allowHalfOpen = true
    // A prototype rather than properties, which would cost each connection their memory. A class of the program stays.
    if (Object.getPrototypeOf(socket) === Socket.prototype) Object.setPrototypeOf(socket, TakenSocket.prototype)
    else Object.defineProperties(socket, methodsOfTaken)
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get socket(): Socket {
    return this.#socket
  }

  /** Our side has ended: the socket emits 'finish'. */
  ownerEnded(): void {
    if (!this.#socket.writableEnded) this.#socket.end()
  }

  /** The peer's side has ended: the socket emits 'end', if there are listeners beside its own. */
  peerEnded(): void {
    if (this.#socket.listenerCount('end') <= 1) return
    this.#socket.push(null)
    Socket.prototype.resume.call(this.#socket)
  }

  /**
   * The handle has closed, and the socket closes too.
   * @param cause makes the system's error, if there was one
   */
  closed(cause?: () => Error | undefined): void {
    this.#isClosed = true
    this.#whenClosed?.()
    if (this.#socket.destroyed) return
    // One listener is the transport's own, see `takeHandle`.
    this.#socket.destroy(this.#socket.listenerCount('error') > 1 ? cause?.() : undefined)
  }

  /** Whether bytes came or went since the last call. */
  isActive(): boolean {
    const bytes = this.bytesRead + this.bytesWritten - this.writeQueueSize
    const isActive = bytes !== this.#bytesBefore
    this.#bytesBefore = bytes
    return isActive
  }

  /** The socket's timer has ended. Returns whether it was idle, the first time. */
  timesOut(): boolean {
    const timedOut = this.#hasTimedOut
    this.#hasTimedOut = !this.isActive()
    return this.#hasTimedOut && !timedOut
  }

  get bytesRead(): number {
    return this.#handle.bytesRead ?? 0
  }

  get bytesWritten(): number {
    return this.#handle.bytesWritten ?? 0
  }

  get fd(): number {
    return this.#handle.fd ?? -1
  }

  get writeQueueSize(): number {
    return this.#handle.writeQueueSize
  }

  readStart(): number {
    return 0
  }

  readStop(): number {
    return 0
  }

  getpeername(into: { address?: string; port?: number }): number {
    return this.#handle.getpeername?.(into) ?? 0
  }

  getsockname(into: object): number {
    return this.#handle.getsockname?.(into) ?? 0
  }

  setNoDelay(on: boolean): number {
    return this.#handle.setNoDelay?.(on) ?? 0
  }

  setKeepAlive(...settings: unknown[]): number {
    return this.#handle.setKeepAlive?.(...settings) ?? 0
  }

  setTypeOfService(value: number): number {
    return this.#handle.setTypeOfService?.(value) ?? 0
  }

  getTypeOfService(): number {
    return this.#handle.getTypeOfService?.() ?? 0
  }

  ref(): void {
    this.#handle.ref?.()
  }

  unref(): void {
    this.#handle.unref?.()
  }

  hasRef(): boolean {
    return this.#handle.hasRef?.() ?? true
  }

  getAsyncId(): number {
    return this.#handle.getAsyncId?.() ?? 0
  }

  writeBuffer(_request: object | null, bytes: Uint8Array): number {
    this.readControl?.flush()
    // The owner may still have to wait, and the caller may change its bytes once it was called back.
    this.#owner.write(new Uint8Array(bytes))
    if (streamWrap !== undefined) streamWrap.streamBaseState[streamWrap.kLastWriteWasAsync] = 0
    return 0
  }

  /** @param chunks buffers, or texts that are each followed by their encoding */
  writev(_request: object | null, chunks: readonly unknown[], areBuffers: boolean): number {
    if (areBuffers) return this.writeBuffer(null, Buffer.concat(chunks as Uint8Array[]))
    const parts: Uint8Array[] = []
    for (let at = 0; at < chunks.length; at += 2) {
      const chunk = chunks[at]
      parts.push(typeof chunk === 'string' ? Buffer.from(chunk, chunks[at + 1] as 'utf8') : (chunk as Uint8Array))
    }
    return this.writeBuffer(null, Buffer.concat(parts))
  }

  writeUtf8String(_request: object | null, text: string): number {
    return this.writeBuffer(null, Buffer.from(text, 'utf8'))
  }

  writeLatin1String(_request: object | null, text: string): number {
    return this.writeBuffer(null, Buffer.from(text, 'latin1'))
  }

  writeAsciiString(_request: object | null, text: string): number {
    return this.writeBuffer(null, Buffer.from(text, 'latin1'))
  }

  writeUcs2String(_request: object | null, text: string): number {
    return this.writeBuffer(null, Buffer.from(text, 'utf16le'))
  }

  /** Returns 1, which tells the socket that no answer follows. */
  shutdown(): number {
    this.readControl?.flush()
    this.#hasEnded = true
    this.#owner.end()
    return 1
  }

  close(whenClosed: () => void): void {
    if (this.#isClosed) {
      // The socket emits 'error' in the next tick, and 'close' after it.
      nextTick(() => nextTick(whenClosed))
      return
    }
    this.readControl?.flush()
    this.#whenClosed = whenClosed
    this.#owner.lose(this.#resets)
  }

  /** The socket is about to be destroyed. */
  resetOnClose(): void {
    this.#resets = true
  }
}

function standInOf(socket: Socket): StandInHandle | undefined {
  const { _handle: handle } = socket as Shell
  return handle instanceof StandInHandle ? handle : undefined
}

/** The socket without its handle. */
class TakenSocket extends Socket {
  override pause(): this {
    standInOf(this)?.readControl?.pause()
    return Socket.prototype.pause.call(this) as this
  }

  override resume(): this {
    // A new listener of 'data' calls this too: it must not end a pause of the connection.
    if (this.isPaused()) standInOf(this)?.readControl?.resume()
    return Socket.prototype.resume.call(this) as this
  }

  override setTimeout(milliseconds: number, listener?: () => void): this {
    standInOf(this)?.isActive()
    return Socket.prototype.setTimeout.call(this, milliseconds, listener) as this
  }

  /** The socket's own method accepts only handles of TCP's class. */
  override resetAndDestroy(): this {
    standInOf(this)?.resetOnClose()
    return this.destroy()
  }

  /** The socket does not see the bytes that its timeout waits for, so the timer asks for them when it ends. */
  _onTimeout(): void {
    const standIn = standInOf(this)
    if (standIn === undefined || standIn.timesOut()) this.emit('timeout')
    // Bytes do not start the timer anew, so it always runs.
    if (standIn !== undefined) (this as unknown as Shell)._unrefTimer()
  }
}

const { constructor: _constructor, ...methodsOfTaken } = Object.getOwnPropertyDescriptors(TakenSocket.prototype)

/** Whether a socket has Node's own methods where a stand-in needs others. The methods of a program's class must stay. */
export function isReplaceable(socket: Socket): boolean {
  if (Object.getPrototypeOf(socket) === Socket.prototype && !Object.hasOwn(socket, 'pause')) return true
  return namesOfTaken.every((name) => Reflect.get(socket, name) === Reflect.get(Socket.prototype, name))
}

/** The methods that a socket has of its own once its handle was taken. */
export const namesOfTaken: readonly string[] = Object.keys(methodsOfTaken)
