import { Socket, type SocketConstructorOpts } from 'node:net'
import { SharedReading, sharesReads } from './shared-reading.js'

/** What is touched of Node's insides: a socket's handle, which has no public name. */
export interface SocketHandle {
  reading?: boolean
  readStop(): void
  useUserBuffer(buffer: Uint8Array): void
}

type Owner = { _handle: SocketHandle | null }

/** A socket that reads into the shared memory, and what it reads through. */
export interface AdoptedSocket {
  readonly socket: Socket
  readonly reading: SharedReading
}

/**
 * Moves a connected socket's handle to a new socket that reads into the shared memory, as only a constructor takes
 * `onread`. The old one is an empty shell then: its server counts it, and it closes when the new one does, and
 * the other way round. Undefined where anything looks different from what is known of Node; then nothing has changed.
 */
export function adoptSocket(old: unknown): AdoptedSocket | undefined {
  if (!sharesReads || !(old instanceof Socket) || !isAdoptable(old)) return undefined
  const owner = old as unknown as Owner
  const handle = owner._handle
  if (!isKnownHandle(handle)) return undefined
  old.setTimeout(0)
  handle.readStop()
  handle.reading = false
  owner._handle = null
  const reading = new SharedReading()
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread: reading.onread }
  const socket = new Socket(options as SocketConstructorOpts)
  socket.once('close', () => old.destroy())
  old.once('close', () => socket.destroy())
  // Whoever handed it over has taken its listeners away, and an error that nobody hears ends the process.
  old.on('error', () => {})
  return { socket, reading }
}

/** Whether nothing is under way on a socket that its handle would not carry along. */
function isAdoptable(socket: Socket): boolean {
  return (
    !socket.connecting &&
    socket.readable &&
    socket.writable &&
    socket.readableLength === 0 &&
    socket.writableLength === 0 &&
    !socket.readableEnded
  )
}

/** Whether a handle is what is known of Node. */
export function isKnownHandle(handle: SocketHandle | null): handle is SocketHandle {
  return (
    handle !== null &&
    typeof handle === 'object' &&
    typeof handle.reading === 'boolean' &&
    typeof handle.readStop === 'function' &&
    typeof handle.useUserBuffer === 'function'
  )
}
