import { channel } from 'node:diagnostics_channel'
import { connect, isIPv4, Socket } from 'node:net'
import { getSystemErrorName } from 'node:util'
import { nextTick } from './genuine-timers.js'
import { isStreamHandle, type StreamHandle } from './stream-handle.js'
import { type TcpWrap, tcpWrap } from './tcp-wrap.js'

/** Told once, in a later turn: of the connected handle, or of the system's error. */
export interface ConnectEvents {
  connected(handle: StreamHandle): void
  failed(error: Error): void
}

/** Node's channel for the sockets that connect, which tracers subscribe to. */
const sockets = channel('net.client.socket')

/**
 * The function and the method that a tracer or a test replaces, to see or to fake connections. Those of Node have these calls in
 * their text.
 */
const connectOfNode = ifOfNode(connect, /\bnormalizeArgs\(/)
const methodOfNode = ifOfNode(Socket.prototype.connect, /\binitSocketHandle\(/)

let wrap: TcpWrap | undefined

/** Whether `connectHandle` may connect: to an address of IPv4 alone, as `tryHandles` tries, and if no other code has to see it. */
export function canConnectHandle(address: string, port: number): boolean {
  const isSeen = connect !== connectOfNode || Socket.prototype.connect !== methodOfNode || sockets.hasSubscribers
  return isIPv4(address) && port <= 0xffff && !isSeen
}

/**
 * Connects a handle of TCP without a socket, which takes more time and memory than the rest of a client's connection. Call it
 * after `tryHandles` has found that handles work. Returns a function that gives the attempt up: no event follows.
 */
export function connectHandle(address: string, port: number, events: ConnectEvents): () => void {
  wrap ??= tcpWrap()
  const { TCP, TCPConnectWrap, constants } = wrap
  const handle = new TCP(constants.SOCKET)
  if (!isStreamHandle(handle)) throw new Error('a TCP handle has an unknown shape')
  const request = new TCPConnectWrap()
  let isOver = false
  const settle = (status: number): void => {
    if (isOver) return
    isOver = true
    if (status === 0) {
      handle.setNoDelay?.(true)
      events.connected(handle)
      return
    }
    handle.close()
    events.failed(connectError(status, address, port))
  }
  request.oncomplete = settle
  const status = handle.connect(request, address, port)
  if (status !== 0) nextTick(settle, status)
  return () => {
    if (isOver) return
    isOver = true
    handle.close()
  }
}

function ifOfNode<Given extends (...values: never[]) => unknown>(given: Given, text: RegExp): Given | undefined {
  return text.test(Function.prototype.toString.call(given)) ? given : undefined
}

/** Makes the error that Node's sockets make. */
function connectError(errno: number, address: string, port: number): Error {
  const code = getSystemErrorName(errno)
  const syscall = 'connect'
  return Object.assign(new Error(`${syscall} ${code} ${address}:${port}`), { errno, code, syscall, address, port })
}
