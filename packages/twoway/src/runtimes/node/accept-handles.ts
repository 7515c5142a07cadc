import { type Server, Socket, type SocketConstructorOpts } from 'node:net'
import { isKnownHandle, type SocketHandle } from './adopt-socket.js'
import { SharedReading, sharesReads } from './shared-reading.js'
import { StreamTransport } from './stream-transport.js'

/** What is touched of Node's insides: what the listening handle calls for each connection. */
interface ListeningHandle {
  onconnection?: (this: unknown, status: number, handle?: SocketHandle & { setNoDelay?(on: boolean): number }) => void
}

/**
 * Has a listening server make one socket a connection, which reads into the shared memory from its start, where it would
 * make one that has to be replaced and kept (1 KiB of heap a connection). The server does not count such connections.
 * Where anything looks different from what is known of Node, nothing changes.
 */
export function acceptHandles(server: Server, take: (transport: StreamTransport) => void): void {
  const listening = (server as unknown as { readonly _handle?: ListeningHandle })._handle
  const ordinary = listening?.onconnection
  if (!sharesReads || listening === undefined || typeof ordinary !== 'function') return
  listening.onconnection = function onConnection(status, handle) {
    if (status !== 0 || handle === undefined || !isKnownHandle(handle)) {
      ordinary.call(this, status, handle)
      return
    }
    handle.setNoDelay?.(true)
    const reading = new SharedReading()
    const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread: reading.onread }
    take(new StreamTransport(new Socket(options as SocketConstructorOpts), { reading }))
  }
}
