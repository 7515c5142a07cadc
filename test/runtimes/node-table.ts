import type { FileResult } from './file-reporter.js'

/** The results of test files on one version of Node. */
export interface NodeResults {
  /** The exit code of the test runner. */
  readonly exitCode: number | null
  /** The end of the runner's output: its counts, and each failed test. */
  readonly summary: string
  /** The results by the file that defines the tests. */
  readonly files: Readonly<Record<string, FileResult>>
}

/**
 * A table of files and versions of Node: the counts of passed, skipped and failed tests. A test belongs to the file that
 * defines it, so the tests of a contract suite belong to the suite.
 */
export function nodeTable(results: ReadonlyMap<string, NodeResults>): string {
  const nodes = [...results.keys()]
  const files = [...new Set([...results.values()].flatMap((each) => Object.keys(each.files)))].sort()
  const rows = files.map((file) => [file, ...nodes.map((name) => cellOf(results.get(name)!.files[file]))])
  const all = nodes.map((name) => cellOf(sum(Object.values(results.get(name)!.files))))
  const table = [['', ...nodes], ...rows, ['all', ...all]]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Whether a test failed, or a runner failed or ran nothing. */
export function hasNodeFailure(results: ReadonlyMap<string, NodeResults>): boolean {
  return [...results.values()].some(
    ({ exitCode, files }) => exitCode !== 0 || Object.keys(files).length === 0 || sum(Object.values(files)).failed > 0,
  )
}

function cellOf(result: FileResult | undefined): string {
  if (result === undefined) return 'none'
  const { passed, skipped, failed } = result
  const parts = [
    ...(failed > 0 ? [`${failed} FAILED`] : []),
    `${passed} passed`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ]
  return parts.join(', ')
}

function sum(all: readonly FileResult[]): FileResult {
  return all.reduce(
    (before, { passed, failed, skipped }) => ({
      passed: before.passed + passed,
      failed: before.failed + failed,
      skipped: before.skipped + skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  )
}
