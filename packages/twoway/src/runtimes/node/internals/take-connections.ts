import type { Server } from 'node:net'
import process from 'node:process'
import { isStreamHandle, type StreamHandle } from './stream-handle.js'

/** What is touched of Node's insides: what the listening handle calls for each connection. */
interface ListeningHandle {
  onconnection?: (this: unknown, status: number, handle?: unknown) => void
  setNoDelay?(on: boolean): number
}

/**
 * Has a listening server make no socket of a connection, but hand its handle out, which takes
 * less of the server's time and of its memory. The server does not count such connections.
 *
 * Returns false, with nothing changed, where the listening handle is not as known of Node. A connection whose handle is
 * not as known goes on to the server as ever.
 *
 * @param mayWait the most connections that may wait to be accepted already, where that is known
 */
export function takeConnections(
  server: Server,
  take: (handle: StreamHandle) => void,
  mayWait = Number.POSITIVE_INFINITY,
): boolean {
  const listening = (server as unknown as { readonly _handle?: ListeningHandle | null })._handle
  const ordinary = listening?.onconnection
  if (listening === undefined || listening === null || typeof ordinary !== 'function') return false
  // Linux copies TCP_NODELAY from the listening socket to those that come from now on (getsockopt says so of them, on
  // Node 20 and 26), which saves one of nine calls of the system.
  const inheritsNoDelay = process.platform === 'linux' && listening.setNoDelay?.(true) === 0
  let toAsk = inheritsNoDelay ? mayWait : Number.POSITIVE_INFINITY
  const onConnection: NonNullable<ListeningHandle['onconnection']> = function (this: unknown, status, handle) {
    if (status !== 0 || !isStreamHandle(handle)) {
      ordinary.call(this, status, handle)
      return
    }
    if (toAsk > 0) {
      toAsk -= 1
      handle.setNoDelay?.(true)
    }
    take(handle)
  }
  listening.onconnection = onConnection
  return listening.onconnection === onConnection
}
