import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { barChart } from './bar-chart.js'
import { costText, figures, latencyText, memoryText } from './format.js'
import type { Machine } from './machine.js'
import { mediansOf, type Result, ratiosOf } from './results.js'
import { isOurs } from './rival.js'
import { isClientRow, type Row } from './row.js'

/** The content of the report of a run. */
export interface Run {
  readonly command: string
  readonly date: string
  readonly machine: Machine
  /** Names with versions, for example 'ws 8.23.0'. */
  readonly versions: readonly string[]
  readonly rounds: number
  readonly seconds: number
  readonly results: readonly Result[]
}

const docs = fileURLToPath(new URL('../../docs/', import.meta.url))

/** Writes docs/explanation/benchmarks.md and the charts in it. */
export function writeDocument(run: Run): void {
  mkdirSync(`${docs}images`, { recursive: true })
  for (const { file, title, results } of chartsOf(run)) {
    writeFileSync(`${docs}images/${file}`, barChart(title, groupsOf(results)))
  }
  writeFileSync(`${docs}explanation/benchmarks.md`, documentOf(run))
}

function documentOf(run: Run): string {
  const { command, date, machine, versions, rounds, seconds } = run
  const paragraphs = [
    '# Benchmarks',
    `\`${command}\` wrote this page on ${date}. Run it on your machine: absolute values depend on the machine and its load, so compare only the ratios within one run. The measure is the **processor time per message** (user and system time of the process of the server, or of the client), because it limits how much one core can serve; less is better.`,
    [
      `- Machine: ${machine.processor}, ${machine.cores} cores, ${machine.memory}, ${machine.system}`,
      `- Versions: ${versions.join(', ')}`,
      `- Each figure is the median of ${rounds === 1 ? 'one round' : `${rounds} rounds`} of ${figures(seconds)} s. In each round all contenders run one after another, each in a new process${machine.isPinned ? ' on a core of its own, with the load generator on another core' : '; nothing pinned them to a core'}.`,
      '- Twoway runs as published: the programs under test load the files that `npm run pack` packs.',
      '- Each contender runs with its defaults and all its checks, and echoes as its own documentation shows. `ws` delivers text as bytes and sends those bytes back; the others decode the text and encode it again.',
    ].join('\n'),
    ...chartsOf(run).map(({ file, title }) => `![${title}](../images/${file})`),
    '## The cost of Twoway relative to its rivals',
    'Below 1, Twoway is cheaper. Rivals on Node run on the same version of Node.',
    ...shareTables(run),
    '## All figures',
    allFigures(run),
  ]
  return `${paragraphs.join('\n\n')}\n`
}

function chartsOf({ results }: Run): { file: string; title: string; results: readonly Result[] }[] {
  const charts = [
    {
      file: 'bench-servers.svg',
      title: 'Servers: processor time a message, less is better',
      results: results.filter(({ row }) => !isClientRow(row) && row.api === undefined),
    },
    {
      file: 'bench-ws.svg',
      title: 'The API of ws: processor time a message, less is better',
      results: results.filter(({ row }) => row.api !== undefined),
    },
    {
      file: 'bench-clients.svg',
      title: 'Clients: processor time a message, less is better',
      results: results.filter(({ row }) => isClientRow(row)),
    },
  ]
  return charts.filter((chart) => chart.results.some(({ measurements }) => measurements.length > 0))
}

/** One group of bars for each row, with the newest version of Node only. */
function groupsOf(results: readonly Result[]): Parameters<typeof barChart>[1] {
  const newest = Math.max(...results.map(({ contender }) => nodeOf(contender.runtime)))
  const shown = results.filter(
    ({ contender: { runtime }, measurements }) => [0, newest].includes(nodeOf(runtime)) && measurements.length > 0,
  )
  return rowsOf(shown).map((row) => ({
    title: `${row.title}, per ${row.per}`,
    bars: shown
      .filter((result) => result.row === row)
      .map((result) => {
        const { cost } = mediansOf(result)
        const { name, rival } = result.contender
        return { name, value: cost, label: costText(row, cost), isOurs: isOurs(rival) }
      }),
  }))
}

function nodeOf(runtime: string): number {
  return runtime.startsWith('Node ') ? Number.parseInt(runtime.slice(5), 10) : 0
}

function shareTables({ results }: Run): string[] {
  const ours = [...new Set(results.map(({ contender }) => contender))].filter(({ rival }) => isOurs(rival))
  return ours.map((contender) => {
    const rows = rowsOf(results).map((row) => ({
      row,
      ratios: ratiosOf(results.filter((result) => result.row === row)).filter((ratio) => ratio.ours === contender),
    }))
    const rivals = [...new Set(rows.flatMap(({ ratios }) => ratios.map(({ theirs }) => theirs)))]
    return table([
      [`${contender.name} against`, ...rivals.map(({ rival }) => rival.name)],
      ...rows
        .filter(({ ratios }) => ratios.length > 0)
        .map(({ row, ratios }) => [
          row.title,
          ...rivals.map((rival) => ratios.find(({ theirs }) => theirs === rival)?.ratio.toFixed(2) ?? ''),
        ]),
    ])
  })
}

function allFigures({ results }: Run): string {
  const head = ['work', 'contender', 'cost', 'per second', 'p50', 'p99', 'memory']
  const lines = results.map((result) => {
    const { row, contender, failure, measurements } = result
    if (measurements.length === 0) return [row.title, contender.name, `failed: ${failure}`, '', '', '', '']
    const { cost, perSecond, p50, p99, memory } = mediansOf(result)
    const speed = perSecond === 0 ? '' : figures(perSecond)
    const costCell = `${costText(row, cost)} a ${row.per}`
    return [row.title, contender.name, costCell, speed, latencyText(p50), latencyText(p99), memoryText(memory)]
  })
  return table([head, ...lines])
}

function rowsOf(results: readonly Result[]): Row[] {
  return [...new Set(results.map(({ row }) => row))]
}

function table([head, ...lines]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = head!.map((_, column) => (column === 0 ? '---' : '---:'))
  return [head!, rule, ...lines].map(line).join('\n')
}
