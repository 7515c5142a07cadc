import type { HttpHost, HttpListener } from '../../ports/http-host.js'
import type { TransportReport } from '../../ports/transport-report.js'
import { bunHttpHost } from '../../runtimes/bun/bun-http-host.js'
import { denoHttpHost } from '../../runtimes/deno/deno-http-host.js'
import { nodeHttpHost } from '../../runtimes/node/http/http-host.js'
import { watchDescriptors } from '../../runtimes/node/http/watch-descriptors.js'
import { serverTransportReport, transportReport } from '../../runtimes/node/transport/choose-transport.js'
import { bun, bunTrial, deno, socketParts } from './socket-parts.js'

/** Listens by the sockets of the runtime. */
export const httpHost: HttpHost = /* @__PURE__ */ hostOfRuntime()

function hostOfRuntime(): HttpHost {
  const parts = {
    ...socketParts,
    watchDescriptors: (tell: (error: Error) => void) => watchDescriptors(undefined, tell),
    otherwise: nodeHttpHost,
  }
  if (bun !== undefined) {
    const isProven = async (): Promise<boolean> => (await bunTrial?.outcome()) === undefined
    return bunHttpHost({ ...parts, bun, isProven })
  }
  return deno === undefined ? nodeHttpHost : denoHttpHost({ ...parts, deno })
}

/** The report for the connections that a listener accepts; undefined for an app's server. */
export function listenerTransportReport({ encrypted, path }: HttpListener): TransportReport {
  return path === undefined ? serverTransportReport(encrypted) : transportReport(path)
}
