import { readFileSync } from 'node:fs'
import { prometheusContentType } from 'twoway/metrics'
import type { HttpAnswer, IncomingRequest, Server } from 'twoway/server'
import { safeHeaders } from '../listening/safe-headers.js'
import { metricsText } from './metrics.js'

/** Answers a plain HTTP request for a path. */
type Page = (server: Server<unknown>) => HttpAnswer

/** The policy of the page's own meta element, and `frame-ancestors`, which only a header can set. */
function policyOf(page: string): string {
  const [, policy] = /<meta http-equiv="Content-Security-Policy" content="([^"]+)">/.exec(page) ?? []
  if (policy === undefined) throw new Error('the page has no Content-Security-Policy')
  return `${policy}; frame-ancestors 'none'`
}

/** The answers to plain HTTP requests, by path. */
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
      headers: { ...safeHeaders, 'Content-Type': prometheusContentType },
      body: metricsText(server, startedAt),
    }),
  }
  return ({ method, url }, server) => {
    const { protocol, host, pathname } = new URL(url)
    const body = `This is a WebSocket echo service: connect to ${protocol.replace('http', 'ws')}//${host}${pathname}, or open / in a browser to try it.\n`
    if (method !== 'GET' && method !== 'HEAD')
      return { status: 405, headers: { ...safeHeaders, Allow: 'GET, HEAD' }, body }
    const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined
    return page?.(server) ?? { status: 404, headers: safeHeaders, body }
  }
}
