/** A sample of a metric. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric with its samples. */
export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly unit: string | undefined
  readonly samples: readonly Sample[]
}

type Format = 'prometheus' | 'openMetrics'

/** The suffixes of the samples of each type, by format. */
const suffixes: Readonly<Record<Format, Readonly<Record<string, readonly string[]>>>> = {
  prometheus: { counter: [''], gauge: [''], histogram: ['_bucket', '_sum', '_count'] },
  openMetrics: { counter: ['_total'], gauge: [''], histogram: ['_bucket', '_sum', '_count'] },
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const labelName = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/

/**
 * Reads metrics in the text format of Prometheus (0.0.4) or OpenMetrics (1.0.0), and throws for what `promtool check
 * metrics` or the OpenMetrics standard refuses: samples before their TYPE, samples of one metric in two places, wrong
 * escapes, names without the suffix of their type, and histograms whose buckets do not add up.
 */
export function parseExposition(text: string, format: Format): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  if (text.includes('\r')) throw new Error('a line ends with a carriage return')
  const lines = text.slice(0, -1).split('\n')
  if (format === 'openMetrics') {
    if (lines.pop() !== '# EOF') throw new Error('the text does not end with # EOF')
  }
  const families = new Map<string, { -readonly [name in keyof Family]: Family[name] } & { samples: Sample[] }>()
  let current: (Family & { samples: Sample[] }) | undefined
  for (const line of lines) {
    if (line.startsWith('#')) {
      const found = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line)
      if (found === null) throw new Error(`a line is neither a sample nor HELP, TYPE or UNIT: ${line}`)
      const [, kind, name, rest] = found as unknown as [string, string, string, string]
      if (!metricName.test(name)) throw new Error(`a metric has a wrong name: ${line}`)
      if (kind === 'HELP') {
        if (families.has(name)) throw new Error(`a metric has two HELP: ${name}`)
        const help = unescaped(rest, format === 'openMetrics')
        if (help === '') throw new Error(`a metric has no help: ${name}`)
        const family = { name, help, type: '', unit: undefined, samples: [] as Sample[] }
        families.set(name, family)
        current = family
      } else {
        const family = families.get(name)
        if (family === undefined || family !== current) throw new Error(`${kind} does not follow HELP: ${line}`)
        if (family.samples.length > 0) throw new Error(`${kind} follows a sample: ${line}`)
        if (kind === 'TYPE') {
          if (family.type !== '') throw new Error(`a metric has two TYPE: ${name}`)
          if (suffixes[format][rest] === undefined) throw new Error(`a metric has an unknown type: ${line}`)
          family.type = rest
        } else {
          if (format === 'prometheus') throw new Error(`Prometheus has no UNIT: ${line}`)
          if (!name.endsWith(`_${rest}`)) throw new Error(`a name does not end with its unit: ${line}`)
          family.unit = rest
        }
      }
      continue
    }
    const sample = parseSample(line)
    if (current === undefined || current.type === '') throw new Error(`a sample comes before its TYPE: ${line}`)
    const allowed = suffixes[format][current.type]!.map((suffix) => `${current!.name}${suffix}`)
    if (!allowed.includes(sample.name)) throw new Error(`a sample is not of the metric before it: ${line}`)
    current.samples.push(sample)
  }
  checkFamilies([...families.values()], format)
  return families
}

function parseSample(line: string): Sample {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0]
  if (name === undefined) throw new Error(`a sample has no name: ${line}`)
  const labels: Record<string, string> = {}
  let at = name.length
  if (line[at] === '{') {
    at += 1
    while (line[at] !== '}') {
      const found = /^([^=]*)="((?:[^"\\]|\\["\\n])*)"(,(?!\})|(?=\}))/.exec(line.slice(at))
      if (found === null) throw new Error(`a label is malformed: ${line}`)
      const [all, label, value] = found as unknown as [string, string, string]
      if (!labelName.test(label)) throw new Error(`a label has a wrong name: ${line}`)
      if (Object.hasOwn(labels, label)) throw new Error(`a sample has a label twice: ${line}`)
      labels[label] = unescaped(value, true)
      at += all.length
    }
    at += 1
    if (Object.keys(labels).length === 0) throw new Error(`a sample has braces without labels: ${line}`)
  }
  const rest = line.slice(at)
  if (!/^ (?:[+-]?\d+(?:\.\d+)?(?:e[+-]\d+)?|[+-]Inf|NaN)$/.test(rest)) throw new Error(`a value is malformed: ${line}`)
  return { name, labels, value: Number(rest.slice(1).replace('Inf', 'Infinity')) }
}

function unescaped(text: string, quotes: boolean): string {
  const known = quotes ? /\\(["\\n])/g : /\\([\\n])/g
  if (/[\\]/.test(text.replaceAll(known, ''))) throw new Error(`a text has an unknown escape: ${text}`)
  return text.replaceAll(known, (_, character: string) => (character === 'n' ? '\n' : character))
}

function checkFamilies(families: readonly Family[], format: Format): void {
  const names = new Set<string>()
  for (const family of families) {
    const { name, type, samples } = family
    if (type === '') throw new Error(`a metric has no TYPE: ${name}`)
    // promtool: a counter ends with _total, and no other metric does; nor with the suffixes of histograms.
    const isTotal = name.endsWith('_total')
    if (format === 'prometheus' && (type === 'counter') !== isTotal) throw new Error(`_total is for counters: ${name}`)
    if (format === 'openMetrics' && isTotal) throw new Error(`the name of a metric ends with _total: ${name}`)
    if (/_(?:bucket|sum|count|created|info)$/.test(name)) throw new Error(`a suffix is reserved: ${name}`)
    if (/[A-Z]|_(?:milliseconds|ms|kilobytes|megabytes)(?:_|$)/.test(name)) throw new Error(`no base unit: ${name}`)
    const series = new Set<string>()
    for (const sample of samples) {
      const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`
      if (series.has(key)) throw new Error(`a series occurs twice: ${key}`)
      series.add(key)
      if (type !== 'gauge' && !(sample.value >= 0)) throw new Error(`a count is negative: ${key} ${sample.value}`)
      if (type !== 'histogram' && 'le' in sample.labels) throw new Error(`le is for histograms: ${key}`)
    }
    if (type === 'histogram') checkHistogram(family)
    // Prometheus compares the names of samples, not of metrics.
    for (const written of new Set([name, ...samples.map((sample) => sample.name)])) {
      if (names.has(written)) throw new Error(`two metrics have the name ${written}`)
      names.add(written)
    }
  }
}

function checkHistogram({ name, samples }: Family): void {
  const groups = new Map<string, Sample[]>()
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels
    const key = JSON.stringify(Object.entries(labels).sort())
    groups.set(key, [...(groups.get(key) ?? []), sample])
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`)
    if (buckets.some(({ labels }) => labels.le === undefined)) throw new Error(`a bucket has no le: ${name}`)
    const bounds = buckets.map(({ labels }) => Number(labels.le!.replace('Inf', 'Infinity')))
    if (bounds.some((bound, at) => Number.isNaN(bound) || (at > 0 && bound <= bounds[at - 1]!))) {
      throw new Error(`the bounds of ${name} ${key} do not rise: ${bounds}`)
    }
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`${name} ${key} has no bucket +Inf`)
    if (buckets.some(({ value }, at) => at > 0 && value < buckets[at - 1]!.value)) {
      throw new Error(`the buckets of ${name} ${key} are not cumulative`)
    }
    const [count, sum] = ['_count', '_sum'].map((suffix) =>
      group.filter((sample) => sample.name === `${name}${suffix}`),
    )
    if (count!.length !== 1 || sum!.length !== 1) throw new Error(`${name} ${key} has no single sum and count`)
    if (count![0]!.value !== buckets.at(-1)!.value) throw new Error(`the count of ${name} ${key} is not that of +Inf`)
  }
}
