import type { Server, Socket } from 'node:net'
import { contentOf, type Filling, fillSocket, hollowSocket } from '../internals/socket/hollow-socket.js'
import { type ReadControl, StandInHandle } from '../internals/socket/stand-in-handle.js'
import { countSocket } from '../internals/socket/take-handle.js'
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
  #standIn: StandInHandle | undefined
  #ownerHasEnded = false

  /**
   * @param server counts the socket until it is closed
   * @param handle sends without delay
   * @param owner it must call `ownerEnded`, `peerEnded` and `closed`
   */
  constructor(server: Server | null, handle: StreamHandle, owner: HandleTransport) {
    this.socket = hollowSocket(this)
    this.#server = server
    this.#handle = handle
    this.#owner = owner
  }

  /** The transport whose socket this is, if no connection controls it yet. */
  static transportOf(stream: object): HandleTransport | undefined {
    const content = contentOf(stream) as FreedSocket | undefined
    return content !== undefined && content.readControl === undefined ? content.#owner : undefined
  }

  get hasEnded(): boolean {
    return this.#standIn?.hasEnded === true
  }

  fill(socket: Socket): void {
    // Without a handle, this only tells the socket.
    socket.setNoDelay()
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
