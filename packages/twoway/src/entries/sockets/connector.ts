import type { TransportError } from '../../core/errors.js'
import type { Connector, ConnectTarget } from '../../ports/connector.js'
import type { TransportPath } from '../../ports/transport-report.js'
import { bunConnector } from '../../runtimes/bun/bun-connector.js'
import { denoConnector } from '../../runtimes/deno/deno-connector.js'
import { nodeClientPorts } from '../../runtimes/node/connect/client-ports.js'
import { dropped } from '../../runtimes/node/connect/explain-failure.js'
import { explainLoss } from '../../runtimes/node/connect/explain-loss.js'
import { publishConnection } from '../../runtimes/node/connect/publish-connection.js'
import { mayUseProxy } from '../../runtimes/node/proxy/proxy-for.js'
import { bun, bunTrial, deno, socketParts } from './socket-parts.js'

/** The ports of a client, which connects by the sockets of the runtime. */
export const clientPorts = { ...nodeClientPorts, connector: /* @__PURE__ */ connectorOfRuntime() }

function connectorOfRuntime(): Connector {
  const parts = {
    ...socketParts,
    explainLoss: (target: ConnectTarget, wasConnected: boolean, cause: Error | undefined): TransportError =>
      explainLoss(target, wasConnected, cause ?? dropped()),
    hasProxy: (target: ConnectTarget) => mayUseProxy(target, process.env),
    otherwise: nodeClientPorts.connector,
  }
  const connected = (path: TransportPath) => (target: ConnectTarget) => publishConnection(target, path)
  if (bun !== undefined) {
    return bunConnector({ ...parts, bun, hasFailed: () => bunTrial?.hasFailed === true, connected: connected('bun') })
  }
  return deno === undefined
    ? nodeClientPorts.connector
    : denoConnector({ ...parts, deno, connected: connected('deno') })
}
