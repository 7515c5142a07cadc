import type { Socket } from 'node:net'
import { isStreamHandle, type StreamHandle } from './stream-handle.js'

type Owner = { _handle: unknown }

/**
 * Takes the handle of a connected socket and stops its reading. The socket stays as a shell, which its server counts until
 * it is destroyed; a `StandInHandle` then takes the place of its handle. Returns undefined and changes nothing if the socket
 * has state that its handle does not have, such as buffered bytes, or if the handle has an unknown shape.
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

/** The handle of a socket, which the socket keeps. Undefined if the handle has an unknown shape. */
export function peekHandle(socket: Socket): StreamHandle | undefined {
  const { _handle: handle } = socket as unknown as Owner
  return isStreamHandle(handle) ? handle : undefined
}

/** Whether a socket has no state that its handle does not have. */
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
