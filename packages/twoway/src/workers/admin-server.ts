import type { HttpAnswer } from '../server/answer-types.js'
import { startServer } from '../server/listening-server.js'
import type { MetricsSource } from '../server/observing/exposition.js'
import { metricsAnswer } from '../server/observing/metrics-answer.js'
import * as platform from '../server/platform.js'
import type { ServerPorts } from '../server/server-settings.js'
import type { Server } from '../server/server-types.js'
import type { AdminSettings } from './admin-options.js'

/** Plain requests that may wait at a time: a few probes and scrapes. */
const maxRequests = 32

/** Milliseconds for an answer. Stuck workers delay the metrics by two seconds. */
const requestTimeoutMs = 10_000

/** The state of the workers, which the answers report. */
export interface AdminSubject {
  /** The reason why a load balancer must send no connections here; undefined if it may. */
  readonly notReady: string | undefined
  metrics(): Promise<MetricsSource>
  failed(error: Error): void
}

/**
 * Starts the server for probes and metrics, which answers while the parent process lives. It accepts no WebSockets. On a
 * loopback address it answers only to loopback names. Rejects with the system's error if the address is not available.
 */
export function startAdminServer(
  { port, host, hosts }: AdminSettings,
  subject: AdminSubject,
  ports: ServerPorts,
): Promise<Server> {
  return startServer(
    {
      ...{ port, host, hosts, maxRequests, requestTimeoutMs },
      maxConnections: 1,
      upgrade: () => notFound,
      async request({ url, method, headers }) {
        const { pathname } = new platform.URL(url)
        if (!Object.hasOwn(pages, pathname)) return notFound
        if (method !== 'GET' && method !== 'HEAD') {
          return { ...plain(405, 'only GET and HEAD are allowed'), headers: { ...plainHeaders, Allow: 'GET, HEAD' } }
        }
        return pages[pathname]!(subject, headers.get('accept'))
      },
      error: (_, error) => subject.failed(error),
    },
    ports,
  )
}

const plainHeaders = {
  'Content-Type': 'text/plain; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
}

function plain(status: number, sentence: string): HttpAnswer & { readonly status: number } {
  return { status, headers: plainHeaders, body: `${sentence}\n` }
}

const notFound = plain(404, 'not found: this server has /livez, /readyz and /metrics')

type Page = (subject: AdminSubject, accept: string | null | undefined) => HttpAnswer | Promise<HttpAnswer>

const pages: { readonly [path: string]: Page } = {
  // The parent lives if it answers. Draining workers are alive.
  '/livez': () => plain(200, 'ok'),
  '/readyz': ({ notReady }) => (notReady === undefined ? plain(200, 'ok') : plain(503, notReady)),
  '/metrics': async (subject, accept) => metricsAnswer(await subject.metrics(), { accept }),
}
