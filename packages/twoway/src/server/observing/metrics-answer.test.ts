import assert from 'node:assert/strict'
import { it } from 'node:test'
import { noMetrics } from '../add-metrics.js'
import { openMetricsContentType, prometheusContentType } from './exposition.js'
import { metricsAnswer } from './metrics-answer.js'

const prometheus3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'

const rows: readonly (readonly [accept: string | null | undefined, type: string])[] = [
  [undefined, prometheusContentType],
  [null, prometheusContentType],
  ['', prometheusContentType],
  ['*/*', prometheusContentType],
  ['text/html, */*', prometheusContentType],
  [prometheus3, openMetricsContentType],
  ['application/openmetrics-text', openMetricsContentType],
  ['Application/OpenMetrics-Text; Version=1.0.0', openMetricsContentType],
  ['application/openmetrics-text; version=0.0.1', prometheusContentType],
  ['application/openmetrics-text;q=0', prometheusContentType],
  ['application/openmetrics-text;q=0.2, text/plain;q=0.8', prometheusContentType],
]

it('answers in the format that the request prefers, and plainly otherwise, RFC 9110 §12.5.1', () => {
  for (const [accept, type] of rows) {
    const { status, headers, body } = metricsAnswer(noMetrics, { accept })
    assert.equal(status, 200)
    assert.equal(headers['Content-Type'], type, String(accept))
    assert.equal(body.endsWith('# EOF\n'), type === openMetricsContentType, String(accept))
  }
})
