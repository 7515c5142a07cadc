import type { Socket } from 'node:net'
import { isStreamHandle, type StreamHandle } from './stream-handle.js'

type Owner = { _handle: unknown }

/**
 * Takes the handle of a connected socket away from it, not reading. The socket is an empty shell from here on: its server
 * counts it until it is destroyed. Undefined, with nothing done, where the socket has something under way that its handle
 * would not carry along, or where the handle is not as known of Node.
 */
export function takeHandle(socket: Socket): StreamHandle | undefined {
  const owner = socket as unknown as Owner
  const { _handle: handle } = owner
  if (!isIdle(socket) || !isStreamHandle(handle)) return undefined
  socket.setTimeout(0)
  handle.readStop()
  handle.reading = false
  owner._handle = null
  // An error without a listener would end the process, and node:http has removed its own.
  socket.on('error', () => {})
  return handle
}

/** The handle of a socket, which stays the socket's; undefined where it is not as known of Node. */
export function peekHandle(socket: Socket): StreamHandle | undefined {
  const { _handle: handle } = socket as unknown as Owner
  return isStreamHandle(handle) ? handle : undefined
}

/** Whether nothing is under way on a socket that its handle would not carry along. */
export function isIdle(socket: Socket): boolean {
  return (
    !socket.connecting &&
    socket.readable &&
    socket.writable &&
    socket.readableLength === 0 &&
    socket.writableLength === 0 &&
    !socket.readableEnded
  )
}
