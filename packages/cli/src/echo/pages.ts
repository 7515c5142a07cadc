import { readFileSync } from 'node:fs'
import type { HttpAnswer, IncomingRequest, Server } from 'twoway/server'
import { metricsText } from './metrics.js'

/** What answers a plain request for a path. */
type Page = (server: Server<unknown>) => HttpAnswer

/** The plain requests that the service answers, by their paths. */
export function echoPages(): (request: IncomingRequest, server: Server<unknown>) => HttpAnswer {
  const startedAt = Date.now()
  const playground = readFileSync(new URL('../playground.html', import.meta.url), 'utf8')
  const pages: { readonly [path: string]: Page } = {
    '/': () => ({ status: 200, headers: { 'Content-Type': 'text/html; charset=utf-8' }, body: playground }),
    '/health': ({ isReady }) => ({
      status: isReady ? 200 : 503,
      headers: { 'Cache-Control': 'no-store' },
      body: isReady ? 'ok\n' : 'stopping\n',
    }),
    '/metrics': (server) => ({
      status: 200,
      headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', 'Cache-Control': 'no-store' },
      body: metricsText(server, startedAt),
    }),
  }
  return ({ method, url }, server) => {
    const { protocol, host, pathname } = new URL(url)
    const body = `This is an echo service for WebSocket: connect to ${protocol.replace('http', 'ws')}//${host}${pathname}, or open / in a browser for a page that does.\n`
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { Allow: 'GET, HEAD' }, body }
    const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined
    return page?.(server) ?? { status: 404, body }
  }
}
