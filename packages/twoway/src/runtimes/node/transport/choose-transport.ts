import { type Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { RewindableTransport } from '../../../ports/transport.js'
import type { TransportPath, TransportReport } from '../../../ports/transport-report.js'
import { fallbackReasons, isUsed, noteFallback } from '../internals/fallbacks.js'
import { hasHandles } from '../internals/handle-trial.js'
import { hasHollowSockets } from '../internals/socket/hollow-socket.js'
import { isReplaceable, type ReadControl, StandInHandle } from '../internals/socket/stand-in-handle.js'
import { countConnection, releaseSocket, takeHandle } from '../internals/socket/take-handle.js'
import type { StreamHandle } from '../internals/stream-handle.js'
import { streamWrap } from '../internals/stream-wrap.js'
import { takeConnections } from '../internals/take-connections.js'
import { refuseRenegotiation } from '../internals/tls/refuse-renegotiation.js'
import { TlsReading } from '../internals/tls/tls-reading.js'
import { FreedSocket } from './freed-socket.js'
import { HandleTransport } from './handle-transport.js'
import { SharedReading, whyOnlyStreams } from './shared-reading.js'
import { StreamTransport, type StreamTransportOptions, type TransportOptions } from './stream-transport.js'

export interface ChoiceOptions extends StreamTransportOptions {
  /** Whether the stream must stay as it is, because its maker may go on to use it. */
  readonly keepsStream?: boolean | undefined
  /** Whether a socket may be freed once its handle was taken. `stream` is another then. */
  readonly freesSocket?: boolean | undefined
}

/** A transport on Node, with the path that its bytes take. */
export interface NodeTransport extends RewindableTransport {
  readonly path: TransportPath
  /** The stream that `chooseTransport` was given, or the socket in its place, see `freesSocket`. */
  readonly stream: Duplex
  /** Has `pause` and `resume` of a socket whose handle was taken control the reading of its new owner. */
  controlledBy(control: ReadControl): void
}

/**
 * Makes a transport over a stream. All choices of a transport are made in this file. A connected plain socket gets a
 * transport over its handle, a TLSSocket one that reads into the shared memory, and any other stream one over the stream
 * itself. Until `tryHandles` has resolved, each stream does.
 */
export function chooseTransport(stream: Duplex, options: ChoiceOptions = {}): NodeTransport {
  const { keepsStream = false, reading } = options
  const early = FreedSocket.transportOf(stream)
  if (early !== undefined) return early
  if (keepsStream || reading !== undefined || !(stream instanceof Socket) || isConnecting(stream)) {
    return new StreamTransport(stream, options)
  }
  if (stream instanceof TLSSocket) return overTls(stream, options)
  return (hasHandles() ? overHandle(stream, options) : undefined) ?? new StreamTransport(stream, options)
}

/**
 * Makes transports over the handles of the connections that a listening server accepts from now on. Connections whose
 * handle can't be used still come by the server's event 'connection'. Call this function after `tryHandles` has resolved.
 *
 * @param mayWait the most connections that may already wait to be accepted, if that is known
 */
export function acceptTransports(server: Server, take: (transport: NodeTransport) => void, mayWait?: number): void {
  if (!hasHandles()) return
  const giveOn = takeConnections(server, (handle) => take(new HandleTransport(handle)), mayWait)
  if (giveOn === undefined) noteFallback('listening', 'the handle of a server has an unknown shape')
  else server.on('connection', () => noteFallback('listening', 'the handle of a server makes sockets all the same'))
}

/** Makes the transport of a handle that was connected without a socket. */
export function handleTransport(handle: StreamHandle, options: TransportOptions): HandleTransport {
  return new HandleTransport(handle, options)
}

/**
 * Makes a hollow socket for a handle without one, and writes to it. `chooseTransport` takes the socket.
 * @param server counts the socket until it is closed
 * @param head bytes that were read already
 */
export function earlySocket(handle: StreamHandle, server: Server, answer: Uint8Array, head: Uint8Array): Socket {
  const transport = new HandleTransport(handle, { head })
  countConnection(server)
  transport.formerSocket = new FreedSocket(server, handle, transport)
  transport.write(answer)
  return transport.stream
}

/** The reading for a TLSSocket, given to `openSocket` and then to `chooseTransport`. Undefined if it reads by 'data' events. */
export function chooseReading(): SharedReading | undefined {
  return whyOnlyStreams === undefined ? new SharedReading() : undefined
}

/** The report for a transport of this path. On the runtime's own sockets, Node's handles are not missing. */
export function transportReport(path: TransportPath): TransportReport {
  return { path, reasons: fallbackReasons(path === 'bun' || path === 'deno' ? ['handles'] : []) }
}

/** The report for the connections that a server accepts from now on. */
export function serverTransportReport(encrypted: boolean): TransportReport {
  if (encrypted) return transportReport(hasHandles() && isUsed('tls') ? 'sharedRead' : 'stream')
  return transportReport(hasHandles() ? 'handle' : 'stream')
}

/** Whether a socket still connects, or is in its TLS handshake. */
function isConnecting(socket: Socket): boolean {
  return socket.connecting || (socket as { readonly secureConnecting?: boolean }).secureConnecting === true
}

/**
 * Takes the handle of a socket. The socket stays as a shell, which its server counts; each of socket and transport closes
 * with the other. Returns undefined if the handle can't be taken.
 */
function overHandle(shell: Socket, options: ChoiceOptions): HandleTransport | undefined {
  if (!isReplaceable(shell)) return undefined
  const isFreed = options.freesSocket && hasHollowSockets()
  // A socket in the place of a freed one has it too. It can't see whether the handle has.
  if (isFreed) shell.setNoDelay()
  const handle = takeHandle(shell)
  if (handle === undefined) return undefined
  const transport = new HandleTransport(handle, options)
  transport.formerSocket = isFreed
    ? new FreedSocket(releaseSocket(shell, handle), handle, transport)
    : new StandInHandle(shell, handle, transport)
  return transport
}

/** A TLSSocket keeps its handle, because Node's callbacks on the handle need the socket, see `TlsReading`. */
function overTls(socket: TLSSocket, options: StreamTransportOptions): StreamTransport {
  refuseRenegotiation(socket)
  const reading = hasHandles() ? TlsReading.of(socket, streamWrap!) : undefined
  return new StreamTransport(socket, { ...options, reading })
}
