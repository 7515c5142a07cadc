import type { Server, Socket } from 'node:net'
import { contentOf, type Filling, fillSocket, hollowSocket } from '../internals/socket/hollow-socket.js'
import { type ReadControl, StandInHandle } from '../internals/socket/stand-in-handle.js'
import { countConnection, countSocket, hasNoDelay, releaseSocket } from '../internals/socket/take-handle.js'
import type { StreamHandle } from '../internals/stream-handle.js'
import type { FormerSocket, HandleTransport } from './handle-transport.js'

/**
 * The place of a socket whose handle was taken, and that only its server knew. A socket with its streams takes much of the
 * memory of an idle connection (`npm run bench -- --rows ws-idle`), so that it is freed. A hollow one takes its place, and becomes a socket once code uses
 * it, or once the connection has closed: its server counts sockets.
 */
export class FreedSocket implements FormerSocket, Filling {
  /** The hollow socket. */
  readonly socket: Socket
  readControl: ReadControl | undefined
  readonly #server: Server | null
  readonly #handle: StreamHandle
  readonly #owner: HandleTransport
  readonly #hasNoDelay: boolean
  #standIn: StandInHandle | undefined
  #ownerHasEnded = false

  private constructor(server: Server | null, handle: StreamHandle, owner: HandleTransport, hasNoDelay: boolean) {
    this.socket = hollowSocket(this)
    this.#server = server
    this.#handle = handle
    this.#owner = owner
    this.#hasNoDelay = hasNoDelay
  }

  /** @param owner it must call `ownerEnded`, `peerEnded` and `closed` */
  static inPlaceOf(socket: Socket, handle: StreamHandle, owner: HandleTransport): FreedSocket {
    return new FreedSocket(releaseSocket(socket, handle), handle, owner, hasNoDelay(socket))
  }

  /** The place of a socket that was never made. Its server counts it from now on. */
  static early(server: Server, handle: StreamHandle, owner: HandleTransport): FreedSocket {
    countConnection(server)
    return new FreedSocket(server, handle, owner, true)
  }

  /** The transport of a hollow socket that no connection controls yet. */
  static transportOf(stream: object): HandleTransport | undefined {
    const content = contentOf(stream)
    return content instanceof FreedSocket && content.readControl === undefined ? content.#owner : undefined
  }

  get hasEnded(): boolean {
    return this.#standIn?.hasEnded === true
  }

  fill(socket: Socket): void {
    // Without a handle, this only tells the socket.
    if (this.#hasNoDelay) socket.setNoDelay()
    countSocket(socket, this.#server)
    this.#standIn = new StandInHandle(socket, this.#handle, this.#owner)
    this.#standIn.readControl = this.readControl
    if (this.#ownerHasEnded) this.#standIn.ownerEnded()
  }

  ownerEnded(): void {
    this.#ownerHasEnded = true
    this.#standIn?.ownerEnded()
  }

  peerEnded(): void {
    this.#standIn?.peerEnded()
  }

  closed(cause?: () => Error | undefined): void {
    fillSocket(this.socket)
    this.#standIn!.closed(cause)
  }
}
