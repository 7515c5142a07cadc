import { readFileSync } from 'node:fs'
import type { HttpAnswer, IncomingRequest, Server } from 'twoway/server'
import { metricsText } from './metrics.js'
import { safeHeaders } from './safe-headers.js'

/** What answers a plain request for a path. */
type Page = (server: Server<unknown>) => HttpAnswer

/** The policy that the page's own element states; what frames it can be forbidden by a header only. */
function policyOf(page: string): string {
  const [, policy] = /<meta http-equiv="Content-Security-Policy" content="([^"]+)">/.exec(page) ?? []
  if (policy === undefined) throw new Error('the page states no policy')
  return `${policy}; frame-ancestors 'none'`
}

/** The plain requests that the service answers, by their paths. */
export function echoPages(): (request: IncomingRequest, server: Server<unknown>) => HttpAnswer {
  const startedAt = Date.now()
  const playground = readFileSync(new URL('../playground.html', import.meta.url), 'utf8')
  const pageHeaders = {
    ...safeHeaders,
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policyOf(playground),
  }
  const pages: { readonly [path: string]: Page } = {
    '/': () => ({ status: 200, headers: pageHeaders, body: playground }),
    '/health': ({ isReady }) => ({
      status: isReady ? 200 : 503,
      headers: safeHeaders,
      body: isReady ? 'ok\n' : 'stopping\n',
    }),
    '/metrics': (server) => ({
      status: 200,
      headers: { ...safeHeaders, 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' },
      body: metricsText(server, startedAt),
    }),
  }
  return ({ method, url }, server) => {
    const { protocol, host, pathname } = new URL(url)
    const body = `This is an echo service for WebSocket: connect to ${protocol.replace('http', 'ws')}//${host}${pathname}, or open / in a browser for a page that does.\n`
    if (method !== 'GET' && method !== 'HEAD')
      return { status: 405, headers: { ...safeHeaders, Allow: 'GET, HEAD' }, body }
    const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined
    return page?.(server) ?? { status: 404, headers: safeHeaders, body }
  }
}
