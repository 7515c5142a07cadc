import { type Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { RewindableTransport } from '../../../ports/transport.js'
import type { TransportPath, TransportReport } from '../../../ports/transport-report.js'
import { fallbackReasons, isUsed, noteFallback } from '../internals/fallbacks.js'
import { hasHandles } from '../internals/handle-trial.js'
import { streamWrap } from '../internals/stream-wrap.js'
import { takeConnections } from '../internals/take-connections.js'
import { takeHandle } from '../internals/take-handle.js'
import { refuseRenegotiation } from '../internals/tls/refuse-renegotiation.js'
import { TlsReading } from '../internals/tls/tls-reading.js'
import { HandleTransport } from './handle-transport.js'
import { SharedReading, whyOnlyStreams } from './shared-reading.js'
import { StreamTransport, type StreamTransportOptions } from './stream-transport.js'

export interface ChoiceOptions extends StreamTransportOptions {
  /** Whether the stream stays as it is, because whoever made it may go on to use it. */
  readonly keepsStream?: boolean | undefined
}

/** A transport of Node's, which says how its bytes travel. */
export interface NodeTransport extends RewindableTransport {
  readonly path: TransportPath
}

/**
 * The one place that chooses how bytes travel: a transport over a stream that someone has made. It is over the handle of a
 * connected plain socket, over a TLSSocket that reads into the shared memory, else over the stream as it is. Until
 * `tryHandles` has resolved, it is over the stream.
 */
export function chooseTransport(stream: Duplex, options: ChoiceOptions = {}): NodeTransport {
  const { keepsStream = false, reading } = options
  if (keepsStream || reading !== undefined || !(stream instanceof Socket) || isConnecting(stream)) {
    return new StreamTransport(stream, options)
  }
  if (stream instanceof TLSSocket) return overTls(stream, options)
  return (hasHandles() ? overHandle(stream, options) : undefined) ?? new StreamTransport(stream, options)
}

/**
 * Has a listening server make transports of the connections to come, over their handles, where it can; its event
 * 'connection' goes on to tell of the others. To be called once `tryHandles` has resolved.
 *
 * @param mayWait the most connections that may wait to be accepted already, where that is known
 */
export function acceptTransports(server: Server, take: (transport: NodeTransport) => void, mayWait?: number): void {
  if (!hasHandles()) return
  const isHooked = takeConnections(server, (handle) => take(new HandleTransport(handle)), mayWait)
  if (!isHooked) noteFallback('listening', 'the handle of a server is not as known of Node')
  else server.on('connection', () => noteFallback('listening', 'the handle of a server makes sockets all the same'))
}

/** How a TLSSocket that is to be made will read; undefined by events. Given to `openSocket` and then to `chooseTransport`. */
export function chooseReading(): SharedReading | undefined {
  return whyOnlyStreams === undefined ? new SharedReading() : undefined
}

/** How the bytes of a transport travel, or of the connections that a server takes from now on. */
export function transportReport(path: TransportPath): TransportReport {
  return { path, reasons: fallbackReasons() }
}

/** How the bytes of a server's connections travel from now on. */
export function serverTransportReport(encrypted: boolean): TransportReport {
  if (encrypted) return transportReport(hasHandles() && isUsed('tls') ? 'sharedRead' : 'stream')
  return transportReport(hasHandles() ? 'handle' : 'stream')
}

/** A socket on its way to its peer, or in its TLS handshake. */
function isConnecting(socket: Socket): boolean {
  return socket.connecting || (socket as { readonly secureConnecting?: boolean }).secureConnecting === true
}

/**
 * The old socket is an empty shell from here on: its server counts it, and it closes when the transport does, and the other
 * way round. Undefined where its handle can't be taken.
 */
function overHandle(shell: Socket, options: StreamTransportOptions): HandleTransport | undefined {
  const handle = takeHandle(shell)
  if (handle === undefined) return undefined
  const lose = (): void => transport.lose()
  const transport = new HandleTransport(handle, {
    ...options,
    closed: () => {
      shell.off('close', lose)
      shell.destroy()
    },
  })
  shell.once('close', lose)
  return transport
}

/** A TLSSocket stays the owner of its handle, on which Node has callbacks that go to it, see `TlsReading`. */
function overTls(socket: TLSSocket, options: StreamTransportOptions): StreamTransport {
  refuseRenegotiation(socket)
  const reading = hasHandles() ? TlsReading.of(socket, streamWrap!) : undefined
  return new StreamTransport(socket, { ...options, reading })
}
