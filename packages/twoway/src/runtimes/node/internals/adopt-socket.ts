import { Socket, type SocketConstructorOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { RewindableTransport } from '../../../ports/transport.js'
import { peerOf } from '../http/request-head.js'
import { HandleTransport } from '../transport/handle-transport.js'
import { refuseRenegotiation } from '../transport/refuse-renegotiation.js'
import { SharedReading, sharesReads } from '../transport/shared-reading.js'
import { StreamTransport, type StreamTransportOptions } from '../transport/stream-transport.js'
import { isStreamHandle } from './stream-handle.js'
import { streamWrap } from './stream-wrap.js'
import { TlsReading } from './tls-reading.js'

type Owner = { _handle: unknown }

/**
 * A transport over a connected socket that someone else has made: by the shortest way there is, right over its handle,
 * else by a socket that reads into the shared memory, else by the stream as it is.
 *
 * Where the handle of a plain socket is taken, the old socket is an empty shell: its server counts it, and it closes when
 * the transport does, and the other way round. A TLSSocket stays the owner of its handle, on which Node has callbacks that
 * go to it, see `TlsReading`.
 */
export function adoptSocket(old: Duplex, options: StreamTransportOptions): RewindableTransport {
  if (old instanceof TLSSocket) return adoptTls(old, options)
  const { _handle: handle } = old as unknown as Owner
  if (!sharesReads || !(old instanceof Socket) || !isAdoptable(old) || !isStreamHandle(handle)) {
    return new StreamTransport(old, options)
  }
  const { peer = peerOf(old) } = options
  old.setTimeout(0)
  handle.readStop()
  handle.reading = false
  const owner = old as unknown as Owner
  owner._handle = null
  // Whoever handed it over has taken its listeners away, and an error that nobody hears ends the process.
  old.on('error', () => {})
  if (streamWrap !== undefined) {
    const lose = (): void => transport.lose()
    const transport = new HandleTransport(handle, {
      ...options,
      closed: () => {
        old.off('close', lose)
        old.destroy()
      },
    })
    old.once('close', lose)
    return transport
  }
  const reading = new SharedReading()
  // `onread` is an option of the constructor only.
  const taken = { handle, allowHalfOpen: true, pauseOnCreate: true, onread: reading.onread }
  const socket = new Socket(taken as SocketConstructorOpts)
  socket.once('close', () => old.destroy())
  old.once('close', () => socket.destroy())
  return new StreamTransport(socket, { ...options, peer, reading })
}

function adoptTls(socket: TLSSocket, options: StreamTransportOptions): RewindableTransport {
  refuseRenegotiation(socket)
  const { _handle: handle } = socket as unknown as Owner
  let reading: TlsReading | undefined
  if (streamWrap !== undefined && isAdoptable(socket) && isStreamHandle(handle)) {
    reading = TlsReading.of(socket, handle, streamWrap)
  }
  if (reading !== undefined) socket.setTimeout(0)
  return new StreamTransport(socket, { ...options, reading })
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
