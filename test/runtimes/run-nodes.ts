/**
 * `npm run test:nodes`: runs test files on each supported Node, one after another, and prints the runner's
 * summary of each and a table of all. Exits with 1 if a test fails, or if a Node runs no test.
 */

import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { fetchRuntimes } from './fetch-runtimes.js'
import type { FileResult } from './file-reporter.js'
import { hasNodeFailure, type NodeResults, nodeTable } from './node-table.js'
import { runtimes } from './runtimes.js'

interface NodesOrder {
  /** Major versions; all supported ones if empty. */
  readonly versions: readonly string[]
  /** Arguments of the test runner. */
  readonly options: readonly string[]
  /** Paths relative to the root. */
  readonly files: readonly string[]
}

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = join(root, '.scratch', 'nodes')
const reporter = new URL('file-reporter.js', import.meta.url).href

async function run({ versions, options, files }: NodesOrder): Promise<void> {
  const nodes = runtimes.filter(({ name }) => name.startsWith('Node '))
  const unknown = versions.find((version) => !nodes.some(({ name }) => name === `Node ${version}`))
  if (unknown !== undefined) {
    throw new Error(`There is no Node ${unknown} here, but ${nodes.map(({ name }) => name).join(', ')}.`)
  }
  const chosen = nodes.filter(({ name }) => versions.length === 0 || versions.some((each) => name === `Node ${each}`))
  const programs = fetchRuntimes(chosen, join(root, '.scratch', 'runtimes'))
  mkdirSync(folder, { recursive: true })

  const results = new Map<string, NodeResults>()
  for (const { name, version } of chosen) {
    const startedAt = performance.now()
    const result = await runNode(programs.get(name)!, options, files)
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    console.log(`\n${name} (${version}), ${seconds} s\n${result.summary}`)
    results.set(name, result)
  }
  console.log(`\n${nodeTable(results)}`)
  if (hasNodeFailure(results)) process.exitCode = 1
}

/** Runs the files on a Node. The runner's output before its summary is dropped, because the summary includes the failures. */
async function runNode(program: string, options: readonly string[], files: readonly string[]): Promise<NodeResults> {
  const results = join(folder, `results-${process.pid}.json`)
  const args = [
    ...['--expose-gc', '--test', '--test-timeout=300000', `--test-concurrency=${availableParallelism() + 1}`],
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...[`--test-reporter=${reporter}`, `--test-reporter-destination=${results}`],
    ...options,
    ...files,
  ]
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const summaryAt = printed.lastIndexOf('\u2139 tests ')
  const summary = (summaryAt === -1 ? printed.slice(-5000) : printed.slice(summaryAt)).trimEnd()
  return { exitCode, summary, files: readResults(results) }
}

/** The results by file relative to the root; empty if the runner did not write them. */
function readResults(path: string): Readonly<Record<string, FileResult>> {
  try {
    const read = JSON.parse(readFileSync(path, 'utf8')) as Record<string, FileResult>
    return Object.fromEntries(Object.entries(read).map(([file, result]) => [relative(root, file), result]))
  } catch {
    return {}
  } finally {
    rmSync(path, { force: true })
  }
}

run(JSON.parse(process.argv[2]!) as NodesOrder).catch((error: Error) => {
  console.error(error.message)
  process.exit(1)
})
