export { UsageError } from '../core/errors.js'
export type { Histogram } from '../core/observing/histogram.js'
export type { BrokerOperation, HubMetrics } from '../core/observing/hub-metrics.js'
export {
  type ExpositionOptions,
  type LabelledMetrics,
  type MetricLabels,
  type MetricsSource,
  openMetrics,
  openMetricsContentType,
  prometheus,
  prometheusContentType,
} from '../server/observing/exposition.js'
export { type MetricsAnswer, type MetricsAnswerOptions, metricsAnswer } from '../server/observing/metrics-answer.js'
export type { CountsByName, ServerHistograms, ServerMetrics } from '../server/server-metrics.js'
