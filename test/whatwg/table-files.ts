import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rules } from './rules.js'
import { type Results, renderTable } from './table.js'

/** Both beside the other documents; this file runs from test/dist/whatwg. */
const resultsFile = new URL('../../../docs/reference/whatwg.json', import.meta.url)
const tableFile = new URL('../../../docs/reference/whatwg.md', import.meta.url)

/** The last text that was written. */
export function readTable(): string {
  return existsSync(tableFile) ? readFileSync(tableFile, 'utf8') : ''
}

export function readResults(): Results {
  return existsSync(resultsFile)
    ? (JSON.parse(readFileSync(resultsFile, 'utf8')) as Results)
    : { ours: {}, platforms: {} }
}

/** Writes docs/reference/whatwg.json with these results, and docs/reference/whatwg.md from it and the rules as they are. */
export function writeTable(results: Results): void {
  writeFileSync(resultsFile, `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(tableFile, renderTable(rules, results))
}
