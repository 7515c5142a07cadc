import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { HandshakeError } from '../../../core/errors.js'
import type { HeadLimits, RequestHead } from '../../../ports/http-host.js'
import type { TransportPeer } from '../../../ports/transport.js'

/** The head of a request of node:http. */
export function headOf({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): RequestHead {
  return { method, target: url, version: httpVersion, fields: rawHeaders }
}

/** The peer that sent a request of node:http. */
export function peerOf(socket: Socket): TransportPeer {
  return { address: socket.remoteAddress, port: socket.remotePort, encrypted: socket instanceof TLSSocket }
}

/**
 * The error of a head that exceeds the limits. Its length is that of a head without optional white space. node:http's own
 * limit does not count the characters between names and values.
 */
export function headViolation({ method, target, fields }: RequestHead, limits: HeadLimits): HandshakeError | undefined {
  const { maxHeadBytes, maxHeaderFields } = limits
  if (fields.length > 2 * maxHeaderFields) {
    return new HandshakeError('requestHeadTooLong', `${maxHeaderFields} header fields at most`)
  }
  let bytes = `${method} ${target} HTTP/1.1\r\n\r\n`.length
  for (const part of fields) bytes += part.length + 2
  return bytes > maxHeadBytes ? new HandshakeError('requestHeadTooLong', `${maxHeadBytes} bytes at most`) : undefined
}
