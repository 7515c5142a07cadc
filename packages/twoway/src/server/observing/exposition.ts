import { UsageError } from '../../core/errors.js'
import type { Histogram } from '../../core/observing/histogram.js'
import { quoted } from '../../core/printable.js'
import type { ServerMetrics } from '../server-metrics.js'
import {
  hubMetricTable,
  type Metric,
  ownLabels,
  serverMetricTable,
  type WorkersCounts,
  workersMetricTable,
} from './metric-table.js'

/** Labels that each sample of a server gets, such as `{ server: 'chat' }`. */
export type MetricLabels = Readonly<Record<string, string>>

/** The metrics of one of several servers. */
export interface LabelledMetrics {
  readonly metrics: ServerMetrics
  readonly labels?: MetricLabels | undefined
}

/** The metrics of a server or of workers, or those of several, whose labels tell them apart. */
export type MetricsSource = ServerMetrics | readonly LabelledMetrics[]

export interface ExpositionOptions {
  /** Labels that each sample gets besides. */
  readonly labels?: MetricLabels | undefined
}

/** The value of Content-Type for the text of `prometheus`. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** The value of Content-Type for the text of `openMetrics`. */
export const openMetricsContentType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/**
 * The metrics of a server (`server.metrics()`) or of workers (`await workers.metrics()`) in the text format of
 * Prometheus, version 0.0.4. Texts of other metrics can be put before or after it, if their names differ.
 *
 * Throws a UsageError 'optionInvalid' for a label that Prometheus does not accept or that a metric has itself, and for
 * several servers with the same labels.
 */
export function prometheus(source: MetricsSource, options: ExpositionOptions = {}): string {
  return textOf(source, options, 'prometheus')
}

/** The same in the text format of OpenMetrics, version 1.0.0. It ends with `# EOF`: nothing may follow. */
export function openMetrics(source: MetricsSource, options: ExpositionOptions = {}): string {
  return `${textOf(source, options, 'openMetrics')}# EOF\n`
}

type Format = 'prometheus' | 'openMetrics'

/** The metrics of a server, with its labels as they are written. */
interface Labelled {
  readonly metrics: ServerMetrics
  readonly labels: string
}

function textOf(source: MetricsSource, { labels = {} }: ExpositionOptions, format: Format): string {
  const given = Array.isArray(source) ? (source as readonly LabelledMetrics[]) : [{ metrics: source as ServerMetrics }]
  const servers = given.map((each) => ({ metrics: each.metrics, labels: written({ ...labels, ...each.labels }) }))
  if (new Set(servers.map((each) => each.labels)).size < servers.length) {
    throw new UsageError('optionInvalid', 'several servers have the same labels: give each a label of its own')
  }
  const hubs = servers.filter(({ metrics }) => metrics.hub !== undefined)
  const workers = servers.filter(({ metrics }) => isOfWorkers(metrics))
  return [
    ...serverMetricTable.map((metric) => familyOf(metric, servers, format)),
    ...(hubs.length === 0 ? [] : hubMetricTable.map((metric) => familyOf(metric, hubs, format))),
    ...(workers.length === 0 ? [] : workersMetricTable.map((metric) => familyOf(metric, workers, format))),
  ].join('')
}

function isOfWorkers(metrics: ServerMetrics): boolean {
  return Array.isArray((metrics as Partial<WorkersCounts>).workers)
}

function familyOf(metric: Metric, servers: readonly Labelled[], format: Format): string {
  const { name, help, type, unit } = metric
  const family = format === 'prometheus' && type === 'counter' ? `${name}_total` : name
  const head = [`# HELP ${family} ${escaped(help, format === 'openMetrics')}`, `# TYPE ${family} ${type}`]
  if (format === 'openMetrics' && unit !== undefined) head.push(`# UNIT ${family} ${unit}`)
  return [...head, ...servers.flatMap((server) => samplesOf(metric, server)), ''].join('\n')
}

function samplesOf(metric: Metric, { metrics, labels }: Labelled): readonly string[] {
  if (metric.type === 'histogram') {
    return byLabel(metric.read(metrics), metric.label, (one): one is Histogram => Array.isArray(one.counts)).flatMap(
      ([own, histogram]) => bucketsOf(metric.name, join(labels, own), histogram),
    )
  }
  const name = metric.type === 'counter' ? `${metric.name}_total` : metric.name
  return byLabel(metric.read(metrics), metric.label, (one) => typeof one === 'number').map(
    ([own, value]) => `${name}${inBraces(join(labels, own))} ${numeral(value)}`,
  )
}

/** Each value with its label as it is written; '' for a metric that has one value. */
function byLabel<Value extends number | Histogram>(
  value: Value | Readonly<Record<string, Value>>,
  label: string | undefined,
  isOne: (value: Value | Readonly<Record<string, Value>>) => value is Value,
): readonly (readonly [label: string, value: Value])[] {
  if (isOne(value)) return [['', value]]
  return Object.entries(value).map(([key, one]) => [written({ [label!]: key }, true), one])
}

function bucketsOf(name: string, labels: string, { bounds, counts, sum }: Histogram): readonly string[] {
  let count = 0
  const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound, at) => {
    count += counts[at]!
    return `${name}_bucket${inBraces(join(labels, `le="${boundary(bound)}"`))} ${numeral(count)}`
  })
  return [
    ...buckets,
    `${name}_sum${inBraces(labels)} ${numeral(sum)}`,
    `${name}_count${inBraces(labels)} ${numeral(count)}`,
  ]
}

function written(labels: MetricLabels, isOwn = false): string {
  return Object.entries(labels)
    .map(([name, value]) => {
      if (!isOwn) checkLabel(name, value)
      return `${name}="${escaped(value, true)}"`
    })
    .join(',')
}

function checkLabel(name: string, value: unknown): void {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || name.startsWith('__')) {
    throw new UsageError(
      'optionInvalid',
      `"${quoted(name)}" is no name of a label: it must have letters, digits and underscores, and begin with a letter or one underscore`,
    )
  }
  if (ownLabels.has(name)) {
    throw new UsageError('optionInvalid', `a metric has the label ${name} itself: choose another name`)
  }
  if (typeof value !== 'string') {
    throw new UsageError('optionInvalid', `the label ${name} must be a string, not ${String(value)}`)
  }
}

function join(one: string, other: string): string {
  return one === '' || other === '' ? one + other : `${one},${other}`
}

function inBraces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`
}

function escaped(text: string, quotes: boolean): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return quotes ? plain.replaceAll('"', '\\"') : plain
}

function numeral(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

/** A bound in the canonical form of OpenMetrics, which both formats use, so that a series keeps its name. */
function boundary(bound: number): string {
  if (bound === Number.POSITIVE_INFINITY) return '+Inf'
  if (!Number.isInteger(bound)) return bound < 1e-4 ? exponential(bound) : String(bound)
  return bound < 1e6 ? `${bound}.0` : exponential(bound)
}

/** Go writes two digits of an exponent, and Prometheus is written in Go. */
function exponential(bound: number): string {
  return bound.toExponential().replace(/(?<=e[+-])(?=\d$)/, '0')
}
