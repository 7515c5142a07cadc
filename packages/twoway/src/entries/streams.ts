import type { Duplex } from 'node:stream'
import { type DuplexOptions, MessageDuplex } from '../runtimes/node/duplex.js'
import { pipeOf } from '../streams/pipe-of.js'

export type { DuplexOptions } from '../runtimes/node/duplex.js'
export { toWebStreams, type WebStreams } from '../streams/web-streams.js'

/**
 * The messages of a socket as Node's Duplex, for libraries that speak their own protocol over a stream, such as MQTT. The
 * socket is one of a handler of `serve` or `attach`, or a client's WebSocket; its `message` handler, or event, is called no
 * more. Backpressure holds both ways: a stream that is not read stops the reading of the network, and a write is done when at
 * most the socket's high-water mark is queued. A WebSocket that is still connecting may be passed; writes wait.
 *
 * `end()` closes the connection with 1000 after all that was written, and so the messages that the peer still sends are
 * dropped. The connection's clean end ends the stream; another destroys it with a TransportError or ProtocolError.
 * `destroy()` closes the connection; with an error it drops it.
 *
 * Throws a UsageError for any other object, for a socket that is closed or is a stream already, and for one of
 * `messageStream`.
 */
export function toDuplex(socket: object, options: DuplexOptions = {}): Duplex {
  // The socket is refused before there is a stream, which would have to be destroyed.
  const pipe = pipeOf(socket, {
    open: () => duplex.opened(),
    message: (message) => duplex.receive(message),
    drain: () => duplex.drained(),
    closed: (_result, error) => duplex.ended(error),
  })
  const duplex = new MessageDuplex(pipe, options)
  return duplex
}
