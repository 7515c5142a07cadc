import { ScratchPool } from '../core/scratch-pool.js'
import { nodeClock } from '../runtimes/node/clock.js'
import { nodeHttpHost } from '../runtimes/node/http-host.js'
import { nodePayload } from '../runtimes/node/payload.js'
import { nodeRandom } from '../runtimes/node/random.js'
import { startServer } from '../server/listening-server.js'
import type { ServerPorts } from '../server/server-settings.js'
import type { ServeOptions, Server } from '../server/server-types.js'

export { describeCloseCode } from '../core/closing/close-code.js'
export type { CloseResult, SendResult } from '../core/connection-types.js'
export { HandshakeError, ProtocolError, TransportError, UsageError } from '../core/errors.js'
export type { HeaderFields } from '../core/handshake/header-fields.js'
export type { Limits } from '../core/limits.js'
export type { TlsServerOptions } from '../ports/http-host.js'
export type { IncomingRequest } from '../server/incoming-request.js'
export type {
  HeaderInput,
  HeadersLike,
  HttpAnswer,
  PlainAnswer,
  ResponseLike,
  ServeOptions,
  Server,
  ServerHandlers,
  ServerSocket,
  UpgradeAcceptance,
  UpgradeAnswer,
} from '../server/server-types.js'

const ports: ServerPorts = {
  payload: nodePayload,
  random: nodeRandom,
  clock: nodeClock,
  httpHost: nodeHttpHost,
  negotiators: [],
  scratchPool: new ScratchPool(nodePayload),
  report: (error) => console.error('twoway: an error that no error handler took:', error),
}

/**
 * Starts a server, and resolves once it listens. Rejects with a UsageError for options that can't be used, and with
 * the system's error where the address can't be had (its `code` says why: EADDRINUSE, EACCES).
 */
export function serve<Data = undefined>(options: ServeOptions<Data>): Promise<Server<Data>> {
  return startServer(options, ports)
}
