import {
  type ExpositionOptions,
  type MetricsSource,
  openMetrics,
  openMetricsContentType,
  prometheus,
  prometheusContentType,
} from './exposition.js'

export interface MetricsAnswerOptions extends ExpositionOptions {
  /** The request's field Accept, which chooses the format: the text format of Prometheus unless it prefers OpenMetrics. */
  readonly accept?: string | null | undefined
}

/** An answer for a handler `request`, and for any other HTTP server. */
export interface MetricsAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** An HTTP answer with the metrics, for a scrape by Prometheus: what a handler `request` returns for `/metrics`. */
export function metricsAnswer(source: MetricsSource, { accept, labels }: MetricsAnswerOptions = {}): MetricsAnswer {
  const isOpen = prefersOpenMetrics(accept ?? '')
  return {
    status: 200,
    headers: {
      'Content-Type': isOpen ? openMetricsContentType : prometheusContentType,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      Vary: 'Accept',
    },
    body: (isOpen ? openMetrics : prometheus)(source, { labels }),
  }
}

/** Whether the quality of OpenMetrics 1.x is not below that of the plain text, RFC 9110 §12.5.1. */
function prefersOpenMetrics(accept: string): boolean {
  let open = 0
  let plain = 0
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const values = new Map(parameters.map((parameter) => parameter.split('=', 2) as [string, string | undefined]))
    const quality = Number(values.get('q') ?? 1)
    if (type === 'application/openmetrics-text' && /^1\./.test(values.get('version') ?? '1.0.0')) {
      open = Math.max(open, quality)
    }
    if (type === 'text/plain') plain = Math.max(plain, quality)
  }
  return open > 0 && open >= plain
}
