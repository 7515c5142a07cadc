import { costText, figures, latencyText, memoryText, ratioText } from './format.js'
import { mediansOf, type Result, ratiosOf } from './results.js'
import type { Row } from './row.js'

/** The results of a row for a terminal: a line for each contender, and our share of each rival's cost. */
export function textTable(row: Row, results: readonly Result[]): string {
  const head = ['', `cost/${row.per}`, 'range', 'per second', 'p50', 'p99', 'memory', 'busy', 'generator']
  const lines = results.map((result) => {
    const { contender, failure, measurements } = result
    if (measurements.length === 0) return [contender.name, `failed: ${failure}`]
    const { cost, costMin, costMax, perSecond, p50, p99, memory, busy, generatorBusy } = mediansOf(result)
    return [
      contender.name,
      costText(row, cost),
      `${costText(row, costMin)}-${costText(row, costMax)}`,
      perSecond === 0 ? '' : figures(perSecond),
      latencyText(p50),
      latencyText(p99),
      memoryText(memory),
      busy.toFixed(2),
      generatorBusy.toFixed(2),
    ]
  })
  const ratios = ratiosOf(results).map(
    (ratio) => `  ${ratioText(ratio).padEnd(16)} of the cost of ${ratio.theirs.name}, for ${ratio.ours.name}`,
  )
  return [`${row.title} (${row.id})`, ...aligned([head, ...lines]), ...ratios, ''].join('\n')
}

function aligned(lines: readonly (readonly string[])[]): string[] {
  const widths = lines[0]!.map((_, column) =>
    Math.max(...lines.filter(({ length }) => length > 2).map((line) => line[column]!.length)),
  )
  return lines.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}
