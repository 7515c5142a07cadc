import type { TransportError } from '../core/errors.js'
import type { Connector, ConnectTarget } from '../ports/connector.js'
import type { HttpHost, HttpListener } from '../ports/http-host.js'
import type { TransportPath, TransportReport } from '../ports/transport-report.js'
import { bunConnector } from '../runtimes/bun/bun-connector.js'
import { bunHttpHost } from '../runtimes/bun/bun-http-host.js'
import { bunApi } from '../runtimes/bun/bun-sockets.js'
import { BunTrial } from '../runtimes/bun/bun-trial.js'
import { denoConnector } from '../runtimes/deno/deno-connector.js'
import { denoHttpHost } from '../runtimes/deno/deno-http-host.js'
import { denoApi } from '../runtimes/deno/deno-sockets.js'
import { nodeClock } from '../runtimes/node/clock.js'
import { nodeClientPorts } from '../runtimes/node/connect/client-ports.js'
import { dropped, explainDrop } from '../runtimes/node/connect/explain-failure.js'
import { explainLoss } from '../runtimes/node/connect/explain-loss.js'
import { publishConnection } from '../runtimes/node/connect/publish-connection.js'
import { nodeHttpHost } from '../runtimes/node/http/http-host.js'
import { watchDescriptors } from '../runtimes/node/http/watch-descriptors.js'
import { mayUseProxy } from '../runtimes/node/proxy/proxy-for.js'
import { serverTransportReport, transportReport } from '../runtimes/node/transport/choose-transport.js'

/*
 * The sockets of the runtime: Bun's own on Bun, Deno's own for TLS on Deno, and those of `node:net` and `node:tls` on Node
 * and wherever the runtime's own do not serve.
 */

interface Sockets {
  readonly httpHost: HttpHost
  readonly connector: Connector
}

const clock = nodeClock
const parts = {
  clock,
  explain: (cause: Error | undefined): TransportError => (cause === undefined ? dropped() : explainDrop(cause)),
  explainLoss: (target: ConnectTarget, wasConnected: boolean, cause: Error | undefined): TransportError =>
    explainLoss(target, wasConnected, cause ?? dropped()),
  hasProxy: (target: ConnectTarget) => mayUseProxy(target, process.env),
  watchDescriptors: (tell: (error: Error) => void) => watchDescriptors(undefined, tell),
}
const nodeSockets: Sockets = { httpHost: nodeHttpHost, connector: nodeClientPorts.connector }

function socketsOfRuntime(): Sockets {
  if (process.env.TWOWAY_TRANSPORT === 'stream') return nodeSockets
  const [bun, deno] = [bunApi(), denoApi()]
  const { httpHost, connector } = nodeSockets
  const connected = (path: TransportPath) => (target: ConnectTarget) => publishConnection(target, path)
  if (bun !== undefined) {
    const trial = new BunTrial(bun, parts)
    const isProven = async (): Promise<boolean> => (await trial.outcome()) === undefined
    const hasFailed = (): boolean => trial.hasFailed
    return {
      httpHost: bunHttpHost({ ...parts, bun, isProven, otherwise: httpHost }),
      connector: bunConnector({ ...parts, bun, hasFailed, connected: connected('bun'), otherwise: connector }),
    }
  }
  if (deno === undefined) return nodeSockets
  return {
    httpHost: denoHttpHost({ ...parts, deno, otherwise: httpHost }),
    connector: denoConnector({ ...parts, deno, connected: connected('deno'), otherwise: connector }),
  }
}

const { httpHost, connector } = /* @__PURE__ */ socketsOfRuntime()

export { httpHost }

/** The ports of a client. */
export const clientPorts = { ...nodeClientPorts, connector }

/** The report for the connections that a listener accepts; undefined for an app's server. */
export function listenerTransportReport({ encrypted, path }: HttpListener): TransportReport {
  return path === undefined ? serverTransportReport(encrypted) : transportReport(path)
}
