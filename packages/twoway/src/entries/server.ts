import { ScratchPool } from '../core/sending/scratch-pool.js'
import { nodeClock } from '../runtimes/node/clock.js'
import { nodeDeflateCodec } from '../runtimes/node/deflate/deflate-codec.js'
import { nodeDiagnostics } from '../runtimes/node/diagnostics.js'
import { upgradeTaker } from '../runtimes/node/http/handed-upgrade.js'
import {
  type AttachableServer,
  attachTo,
  noteHttpServer,
  whenListening,
} from '../runtimes/node/http/http-attachment.js'
import { nodePayload } from '../runtimes/node/payload/payload.js'
import { nodeRandom } from '../runtimes/node/random.js'
import { nodeShutdown } from '../runtimes/node/shutdown/node-shutdown.js'
import { memoryTuning } from '../runtimes/node/tuning/memory-tuning.js'
import { processMemory } from '../runtimes/node/tuning/process-memory.js'
import { serversOfWorker } from '../runtimes/node/workers/cluster-parent.js'
import type { AttachOptions, ServeOptions, UpgraderOptions } from '../server/handler-types.js'
import { attachServer, startServer } from '../server/listening-server.js'
import type { ServerPorts } from '../server/server-settings.js'
import type { Server, Upgrader } from '../server/server-types.js'
import { defineGracefulShutdown, type GracefulShutdown } from '../server/shutdown/graceful-shutdown.js'
import { makeUpgrader } from '../server/upgrader.js'
import { WorkerServers } from '../workers/worker-servers.js'
import { httpHost, listenerTransportReport } from './sockets/listener.js'

export { describeCloseCode } from '../core/closing/close-code.js'
export type { CloseResult, SendResult } from '../core/connection-types.js'
export { HandshakeError, ProtocolError, TransportError, UsageError } from '../core/errors.js'
export type { PerMessageDeflateOptions } from '../core/extensions/permessage-deflate/deflate-options.js'
export type { HeaderFields } from '../core/http/header-fields.js'
export type { Limits } from '../core/limits.js'
export type { TlsServerOptions } from '../ports/http-host.js'
export type { MemoryTuningCounts } from '../ports/memory-tuning.js'
export type { HeadersLike } from '../ports/platform-types.js'
export type { TransportPath, TransportReport } from '../ports/transport-report.js'
export type { AttachableServer } from '../runtimes/node/http/http-attachment.js'
export type {
  HeaderInput,
  HttpAnswer,
  PlainAnswer,
  ResponseLike,
  UpgradeAcceptance,
  UpgradeAnswer,
} from '../server/answer-types.js'
export type {
  AttachOptions,
  HandlerResult,
  PlainHandlers,
  ServeOptions,
  ServerHandlers,
  ServerOptions,
  UpgradeContext,
  UpgraderOptions,
} from '../server/handler-types.js'
export type { IncomingRequest } from '../server/handshake/incoming-request.js'
export type { Middleware, NodeRequest, NodeResponse } from '../server/node-types.js'
export type { TrustedProxiesOption } from '../server/proxies/trusted-proxies.js'
export type { ParamsOf } from '../server/routing/path-params.js'
export type { PathParams } from '../server/routing/path-pattern.js'
export type { Fault, HandlerName, ServerDiagnostics, ServerTraces } from '../server/server-diagnostics.js'
export type { CountsByName, ServerHistograms, ServerMetrics } from '../server/server-metrics.js'
export type {
  BroadcastOptions,
  CloseOptions,
  DrainOptions,
  MessageSource,
  MessageStream,
  OutgoingPiece,
  PublishOptions,
  ReadableLike,
  SendOptions,
  SendStreamOptions,
  Server,
  ServerSocket,
  ServerSocketState,
  Upgrader,
} from '../server/server-types.js'
export type { GracefulShutdown } from '../server/shutdown/graceful-shutdown.js'
export type { Drainable, Shutdown, ShutdownOptions, ShutdownResult } from '../server/shutdown/shutdown-types.js'

/** The servers that the parent controls, if this process is a worker. */
const workerServers = (): WorkerServers | undefined => serversOfWorker((parent) => new WorkerServers(parent, nodeClock))

const ports: ServerPorts = {
  payload: nodePayload,
  random: nodeRandom,
  clock: nodeClock,
  httpHost: {
    listen: (options, handler) => (workerServers()?.hostOver(httpHost) ?? httpHost).listen(options, handler),
  },
  diagnostics: nodeDiagnostics,
  deflateCodec: nodeDeflateCodec,
  memoryBytes: processMemory,
  memoryTuning,
  transport: listenerTransportReport,
  sharedTopics: () => workerServers(),
  scratchPool: new ScratchPool(nodePayload),
  report: (error) => console.error('twoway: an error that no error handler took:', error),
}

/**
 * Starts a server, and resolves when it listens. Rejects with a UsageError for options that can't be used, and with the
 * system's error if it can't listen on the address (its `code` is EADDRINUSE or EACCES, for example).
 */
export function serve<Data = undefined, const Path extends string = string>(
  options: ServeOptions<Data, Path>,
): Promise<Server<Data>> {
  const starting = startServer(options as unknown as ServeOptions<Data>, ports)
  return workerServers()?.add(starting) ?? starting
}

/** Stops servers and ends the process at a signal; `GracefulShutdown` says how. */
export const gracefulShutdown: GracefulShutdown<AttachableServer> = /* @__PURE__ */ defineGracefulShutdown(nodeShutdown)

/**
 * Accepts WebSockets on the HTTP server of an app, made by node:http or node:https: Express, Fastify, Hono, Vite and others
 * have one. Several attachments with different paths can share a server. A handshake that no attachment accepts is left to
 * the server's other upgrade listeners. It is answered 404 if there are none, or if none uses it within
 * `handshakeTimeoutMs`.
 *
 * Plain requests remain with the app.
 *
 * `close` of the result closes its own connections and detaches it. The HTTP server goes on.
 *
 * Throws a UsageError for options that can't be used ('optionInvalid'), and if another attachment has the same path, or has
 * none like this one ('pathTaken').
 * @remarks Requests that offer only other protocols than WebSocket (`Upgrade: h2c`) remain with the app too, unless another
 * upgrade listener takes one by calling a method of its socket before it returns.
 */
export function attach<Data = undefined, const Path extends string = string>(
  httpServer: AttachableServer,
  options: AttachOptions<Data, Path>,
): Server<Data> {
  const server = attachServer(options as unknown as AttachOptions<Data>, ports, attachTo(httpServer))
  noteHttpServer(server, httpServer)
  void workerServers()?.add(whenListening(httpServer).then(() => server))
  return server
}

/**
 * Makes a server without a listener, to which the app passes the `upgrade` events of its HTTP server: for Next.js, Nitro,
 * routers of your own, and code that has used ws with `noServer`. It has the same options, limits and checks as `attach`.
 *
 * ```ts
 * const upgrades = upgrader({ message: (socket, message) => socket.send(message) })
 * httpServer.on('upgrade', async (request, socket, head) => {
 *   await upgrades.accept(request, socket, head, { data: await whoIs(request) })
 * })
 * ```
 *
 * Throws a UsageError for options that can't be used ('optionInvalid').
 */
export function upgrader<Data = undefined, const Path extends string = string>(
  options: UpgraderOptions<Data, Path>,
): Upgrader<Data> {
  const server = makeUpgrader(options as unknown as UpgraderOptions<Data>, ports, upgradeTaker)
  void workerServers()?.add(Promise.resolve(server))
  return server
}
