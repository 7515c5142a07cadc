// Code around metrics that must compile.

import { type Histogram, metricsAnswer, openMetrics, prometheus, prometheusContentType } from 'twoway/metrics'
import { type Server, type ServerDiagnostics, type ServerTraces, serve } from 'twoway/server'
import { serveWorkers } from 'twoway/workers'
import { check, type Same } from './same.js'

export async function scraped(): Promise<void> {
  const server: Server = await serve({
    port: 0,
    measureHandlers: true,
    request: ({ headers }) => metricsAnswer(server.metrics(), { accept: headers.get('accept') }),
  })
  const text: string = prometheus(server.metrics(), { labels: { server: 'chat' } })
  const several: string = openMetrics([{ metrics: server.metrics(), labels: { server: 'chat' } }])
  const { roundTripMs, handlerMs } = server.metrics().histograms
  check<Same<typeof roundTripMs, Histogram>>()
  const message: Histogram | undefined = handlerMs.message
  const { headers, body } = metricsAnswer(server.metrics())
  check<Same<typeof body, string>>()
  const workers = await serveWorkers('/server.js', { admin: { port: 0, host: '0.0.0.0', hosts: 'any' } })
  const ofWorkers: string = prometheus(await workers.metrics())
  check<Same<typeof workers.adminUrl, string>>()
  // @ts-expect-error a label is a string
  prometheus(server.metrics(), { labels: { server: 5 } })
  // @ts-expect-error there is no such option
  await serveWorkers('/server.js', { admin: { path: '/' } })
  void [text, several, message, headers, ofWorkers, prometheusContentType]
}

export function traced(call: ServerTraces['twoway:handler'], failure: ServerDiagnostics['twoway:error']): void {
  check<Same<typeof failure.fault, 'peer' | 'network' | 'program'>>()
  if (call.handler === 'message') void call.socket?.remoteAddress
  // @ts-expect-error calls of this handler are not traced
  if (call.handler === 'error') void 0
}
