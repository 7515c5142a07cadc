/**
 * `npm test`: sets up, then runs each `*.test.ts` in its compiled form. `npm test -- utf8 closing` runs those whose path
 * holds one of the words; what begins with a dash goes to node's test runner (`--test-name-pattern=§5.4`).
 */

const { existsSync, readdirSync } = require('node:fs')
const { availableParallelism } = require('node:os')
const { join, relative } = require('node:path')
const { runChild } = require('./run-child.cjs')
const { root, setUp } = require('./set-up.cjs')

async function test() {
  await setUp()

  const args = process.argv.slice(3)
  const words = args.filter((arg) => !arg.startsWith('-'))
  const options = args.filter((arg) => arg.startsWith('-'))

  const sources = sourceFolders().flatMap((folder) => testsIn(folder.source).map((file) => ({ ...folder, file })))
  const chosen = sources.filter(
    ({ file }) => words.length === 0 || words.some((word) => relative(root, file).includes(word)),
  )
  if (chosen.length === 0) return fail(`No test file has ${words.join(' or ')} in its path.`)

  // From the sources, so that what an earlier build left behind is not run.
  const compiled = chosen.map(({ source, output, file }) =>
    join(output, relative(source, file)).replace(/\.ts$/, '.js'),
  )
  const missing = compiled.findIndex((file) => !existsSync(file))
  if (missing !== -1) return fail(`No tsconfig compiles ${relative(root, chosen[missing].file)}.`)

  process.exitCode = await runChild(
    process.execPath,
    [
      '--expose-gc',
      '--test',
      '--test-reporter=spec',
      // Node's own default leaves one core idle: half of a machine of two.
      `--test-concurrency=${availableParallelism()}`,
      '--test-timeout=120000',
      ...options,
      ...compiled.map((file) => relative(root, file)),
    ],
    { cwd: root },
  )
}

/** Where tests stand, and where their compiled form goes. */
function sourceFolders() {
  const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))
  return [
    ...packages.map((folder) => ({ source: join(folder, 'src'), output: join(folder, 'dist') })),
    { source: join(root, 'bench', 'src'), output: join(root, 'bench', 'dist') },
    ...['test', 'examples'].map((name) => ({ source: join(root, name), output: join(root, name, 'dist') })),
  ].filter(({ source }) => existsSync(source))
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function testsIn(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : testsIn(path)
      return entry.name.endsWith('.test.ts') ? [path] : []
    })
    .sort()
}

/** @param {string} sentence */
function fail(sentence) {
  console.error(sentence)
  process.exitCode = 1
}

test()
