import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { createHub } from 'twoway/hub'
import { prometheus } from 'twoway/metrics'
import { serve } from 'twoway/server'
import { type Family, parseExposition } from 'twoway-testing/exposition.js'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
}

const dashboard = JSON.parse(readFileSync(new URL('../../docs/how-to/grafana.json', import.meta.url), 'utf8')) as {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
}
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })))

/** The metrics of workers of which each counts something, so that each label occurs. */
async function families(): Promise<Map<string, Family>> {
  const server = await serve({ port: 0, ...createHub().handlers() })
  const metrics = server.metrics()
  await server.close()
  const counts = { one: 1 }
  const { histograms } = metrics
  const handlerMs = { message: histograms.roundTripMs }
  const workers = { workers: [{ state: 'listening' }], workerExits: 0, missedBroadcasts: 0 }
  const brokerMs = { publish: histograms.roundTripMs }
  const hub = { ...metrics.hub!, notRecovered: counts, brokerFailures: counts, errors: counts, brokerMs }
  const busy = { hub, handshakes: counts, refusals: counts, closes: counts, limits: counts, errors: counts }
  return parseExposition(
    prometheus({ ...metrics, ...busy, histograms: { ...histograms, handlerMs }, ...workers }),
    'prometheus',
  )
}

it('docs/how-to/grafana.json asks for no metric that does not exist, and shows each', async () => {
  const known = await families()
  const samples = new Map(
    [...known.values()].flatMap((family) => family.samples.map(({ name }) => [name, family.name])),
  )
  const asked = new Set<string>()
  for (const { title, expr } of queries) {
    const names = expr.match(/\btwoway_\w+/g) ?? []
    assert.notEqual(names.length, 0, title)
    for (const name of names) {
      assert.ok(samples.has(name), `"${title}" asks for ${name}`)
      asked.add(samples.get(name)!)
    }
  }
  const left = [...known.keys()].filter((name) => !asked.has(name))
  assert.deepEqual(left, ['twoway_pings_total', 'twoway_memory_tuning'])
  for (const { definition = '' } of dashboard.templating.list) {
    for (const name of definition.match(/\btwoway_\w+/g) ?? []) assert.ok(samples.has(name), definition)
  }
})

it('docs/how-to/grafana.json groups by labels that its metrics have, and names them in its legends', async () => {
  const known = [...(await families()).values()].flatMap(({ samples }) => samples)
  for (const { title, expr, legendFormat } of queries) {
    const [, groups = ''] = /\bby \(([^)]*)\)/.exec(expr) ?? []
    const grouped = groups.split(', ').filter((label) => label !== '')
    const [name] = expr.match(/\btwoway_\w+/)!
    const labels = known.filter((sample) => sample.name === name).flatMap((sample) => Object.keys(sample.labels))
    for (const label of grouped) assert.ok(labels.includes(label), `"${title}": ${name} has no label ${label}`)
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) assert.ok(grouped.includes(label!), title)
    // A counter is only of use as a rate.
    if (/_(?:total|bucket|sum|count)$/.test(name!)) assert.match(expr, /\b(?:rate|increase)\(/, title)
  }
})

it('docs/how-to/grafana.json has panels with numbers of their own that do not overlap', () => {
  const { panels } = dashboard
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  for (const [at, { gridPos: one, title }] of panels.entries()) {
    assert.ok(one.x + one.w <= 24, title)
    for (const { gridPos: other, title: second } of panels.slice(at + 1)) {
      const isApart =
        one.x + one.w <= other.x || other.x + other.w <= one.x || one.y + one.h <= other.y || other.y + other.h <= one.y
      assert.ok(isApart, `${title}, ${second}`)
    }
  }
})
