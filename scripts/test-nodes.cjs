/**
 * `npm run test:nodes`: installs and builds, then runs the tests that depend on Node's version on each supported Node, see
 * test/runtimes/run-nodes.ts. `npm run test:nodes -- 22 26 deflate` names versions and, like `npm test`, files; arguments
 * with a dash go to node's test runner.
 */

const { join } = require('node:path')
const { joinTests } = require('./join-tests.cjs')
const { runChild } = require('./run-child.cjs')
const { root, setUp } = require('./set-up.cjs')
const { testFiles } = require('./test-files.cjs')

/** The rooms that call Node, and the tests that span them. */
const defaultWords = [
  ...['runtimes', 'server', 'client', 'workers', 'entries'].map((room) => join('twoway', 'src', room)),
  join('internals', 'private-parts.long.test'),
  ...['workers.test', 'workers.long.test', 'import-effects.long.test', 'memory-tuning.test'].map((name) =>
    join('test', name),
  ),
]

async function testNodes() {
  await setUp()

  const args = process.argv.slice(3)
  const options = args.filter((arg) => arg.startsWith('-'))
  const words = args.filter((arg) => !arg.startsWith('-'))
  const versions = words.filter((word) => /^\d+$/.test(word))
  const fileWords = words.filter((word) => !versions.includes(word))
  const { files, remove } = joinTests(testFiles(fileWords.length > 0 ? fileWords : defaultWords))
  process.once('exit', remove)
  const main = join(root, 'test', 'dist', 'runtimes', 'run-nodes.js')
  process.exitCode = await runChild(process.execPath, [main, JSON.stringify({ versions, options, files })], {
    cwd: root,
  })
}

testNodes().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
