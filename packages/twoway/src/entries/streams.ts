import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionPorts } from '../core/connection-types.js'
import type { PerMessageDeflateOptions } from '../core/extensions/permessage-deflate/deflate-options.js'
import { ScratchPool } from '../core/sending/scratch-pool.js'
import { nodeClientPorts } from '../runtimes/node/connect/client-ports.js'
import { type DuplexOptions, MessageDuplex } from '../runtimes/node/duplex.js'
import { takeEarlyUpgrades } from '../runtimes/node/early-upgrades.js'
import { tryHandles } from '../runtimes/node/internals/handle-trial.js'
import { pooledNodePayload } from '../runtimes/node/payload/payload.js'
import { chooseTransport, type NodeTransport } from '../runtimes/node/transport/choose-transport.js'
import { type DeflateNegotiation, negotiationOf } from '../streams/negotiate-deflate.js'
import { pipeOf } from '../streams/pipe-of.js'
import { checkRole, TransportConnection } from '../streams/stream-connection.js'
import type { StreamConnection, StreamConnectionOptions } from '../streams/stream-connection-types.js'

export type { CloseResult, SendResult } from '../core/connection-types.js'
export { HandshakeError, ProtocolError, TransportError, UsageError } from '../core/errors.js'
export type { PerMessageDeflateOptions } from '../core/extensions/permessage-deflate/deflate-options.js'
export type { TextForm } from '../core/receiving/message-assembler.js'
export type { DuplexOptions } from '../runtimes/node/duplex.js'
export type { DeflateNegotiation } from '../streams/negotiate-deflate.js'
export type {
  NegotiatedDeflate,
  Sent,
  StreamConnection,
  StreamConnectionHandlers,
  StreamConnectionOptions,
  StreamSendOptions,
} from '../streams/stream-connection-types.js'
export { toWebStreams, type WebStreams } from '../streams/web-streams.js'

/**
 * The messages of a socket as Node's Duplex, for libraries that speak their own protocol over a stream, such as MQTT. The
 * socket is one of a handler of `serve` or `attach`, or a client's WebSocket; its `message` handler, or event, is called no
 * more. Backpressure holds both ways: a stream that is not read stops the reading of the network, and a write is done when
 * at most the socket's high-water mark is queued.
 *
 * `end()` closes the connection with 1000 after all that was written, and so the messages that the peer still sends are
 * dropped. The connection's clean end ends the stream; another destroys it with a TransportError or ProtocolError.
 * `destroy()` closes the connection; with an error it drops it.
 *
 * Throws a UsageError for any other object, for a socket that is closed or is a stream already, and for one of
 * `messageStream`.
 * @remarks A WebSocket that is still connecting may be passed; writes wait.
 */
export function toDuplex(socket: object, options: DuplexOptions = {}): Duplex {
  // The socket is refused before there is a stream, which would have to be destroyed.
  const pipe = pipeOf(socket, {
    open: () => duplex.opened(),
    message: (message) => duplex.receive(message),
    drain: () => duplex.drained(),
    closed: (_result, lost) => duplex.ended(lost?.()),
  })
  const duplex = new MessageDuplex(pipe, options)
  return duplex
}

/**
 * Runs a WebSocket connection over a stream whose opening handshake the caller has done: a stream of HTTP/2, a tunnel, or
 * a socket that a program upgraded with code of its own. The stream belongs to the connection, but its properties may
 * still be read, and it may be destroyed.
 *
 * ```ts
 * const connection = fromDuplex(stream, { role: 'server', message: (message) => connection.send(message) })
 * ```
 *
 * Throws a UsageError for another role.
 */
export function fromDuplex(stream: Duplex, options: StreamConnectionOptions): DuplexConnection {
  const { role, head, takesHandle = false, freesSocket = false, pooledMessages = false } = options
  checkRole(role)
  if (takesHandle) void tryHandles()
  const transport = chooseTransport(stream, { head, keepsStream: !takesHandle, freesSocket })
  return new NodeConnection(transport, options, pooledMessages ? askedPooledPorts() : nodeClientPorts)
}

/** A connection of `fromDuplex`. */
export interface DuplexConnection extends StreamConnection {
  /** The stream that `fromDuplex` was given, or the socket in its place, see `freesSocket`. Always the same one. */
  readonly stream: Duplex
}

class NodeConnection extends TransportConnection implements DuplexConnection {
  constructor(transport: NodeTransport, options: StreamConnectionOptions, ports: ConnectionPorts) {
    super(transport, options, ports)
    transport.controlledBy(this)
  }

  get stream(): Duplex {
    return (this.transport as NodeTransport).stream
  }
}

/** Exist once a connection uses them. */
let pooledPorts: ConnectionPorts | undefined

function askedPooledPorts(): ConnectionPorts {
  pooledPorts ??= { ...nodeClientPorts, payload: pooledNodePayload, scratchPool: new ScratchPool(pooledNodePayload) }
  return pooledPorts
}

/**
 * Tries whether connections with `takesHandle` can use the handles of sockets on this runtime, by an echo over loopback,
 * once for each thread. Resolves when the trial has ended.
 * @remarks Connections that begin before its end use streams. The first connection with `takesHandle` starts the trial, too.
 */
export function tryToTakeHandles(): Promise<void> {
  return tryHandles()
}

/**
 * Takes the handshakes that a server of node:http receives from now on, before the server makes a socket and a parser for
 * each. Returns a function that gives the server the connections whose request has not come yet. Returns undefined, and does
 * nothing, if the runtime has no handles of sockets.
 * @param mayTake must return false while a program listens to the server for 'connection' or 'upgrade'
 * @param upgrade gets the request without a socket. `accept` writes the head of an answer, and returns the socket for
 *   `fromDuplex`. The server gets the connection if it is not called.
 * @remarks Sockets and parsers take most of the time and memory of a handshake. Call this function once the server listens and
 * `tryToTakeHandles` has resolved. The server also gets each connection that begins with anything but a valid handshake. Options
 * of `createServer` that change requests do not change those that `upgrade` gets.
 */
export function takeUpgrades(
  server: Server,
  mayTake: () => boolean,
  upgrade: (request: IncomingMessage, accept: (answer: string) => Socket) => void,
): (() => void) | undefined {
  return takeEarlyUpgrades(server, mayTake, upgrade)
}

/** The negotiation of permessage-deflate for connections of `fromDuplex`. Throws a UsageError for invalid options. */
export function negotiateDeflate(
  role: 'client' | 'server',
  options: PerMessageDeflateOptions = {},
): DeflateNegotiation {
  checkRole(role)
  const codec = nodeClientPorts.deflateCodec()
  return negotiationOf(role, options, codec && { ...nodeClientPorts, codec })
}
