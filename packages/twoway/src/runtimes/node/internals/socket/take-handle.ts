import type { Server, Socket } from 'node:net'
import { isStreamHandle, type StreamHandle } from '../stream-handle.js'

type Owner = { _handle: unknown }

/** The properties by which a socket is counted by its server. */
type Counted = { server?: Server | null; _server?: Server | null }
type CountingServer = { _connections: number }

// One function, because a closure would cost each connection its memory.
const ignore = (): void => {}

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
  socket.on('error', ignore)
  return handle
}

/**
 * Removes the references between a socket and its handle, which was taken, so that the socket can be freed. Returns the
 * server that still counts the socket, if there is one.
 */
export function releaseSocket(socket: Socket, handle: StreamHandle): Server | null {
  const slots = handle as unknown as Record<symbol, unknown>
  for (const key of Object.getOwnPropertySymbols(handle)) if (slots[key] === socket) slots[key] = null
  const counted = socket as unknown as Counted
  const { _server: server = null } = counted
  counted._server = null
  return server
}

/** Whether a server counts its connections as it is known to. */
export function countsConnections(server: Server): boolean {
  return typeof (server as unknown as CountingServer)._connections === 'number'
}

/** Counts a connection of a server for which it has made no socket. */
export function countConnection(server: Server): void {
  ;(server as unknown as CountingServer)._connections += 1
}

/** Has a socket in place of a released one counted: the count of its server falls when it is destroyed. */
export function countSocket(socket: Socket, server: Server | null): void {
  const counted = socket as unknown as Counted
  counted.server = server
  counted._server = server
  socket.on('error', ignore)
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
