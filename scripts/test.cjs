/**
 * `npm test`: installs and builds, then runs each compiled `*.test.ts` but the `*.long.test.ts`. `npm test -- utf8 closing` runs those whose path
 * contains one of the words; arguments with a dash go to node's test runner (`--test-name-pattern=§5.4`).
 */

const { availableParallelism } = require('node:os')
const { runChild } = require('./run-child.cjs')
const { root, setUp } = require('./set-up.cjs')
const { joinTests } = require('./join-tests.cjs')
const { testFiles } = require('./test-files.cjs')

async function test() {
  await setUp()

  const args = process.argv.slice(3)
  const words = args.filter((arg) => !arg.startsWith('-'))
  const options = args.filter((arg) => arg.startsWith('-'))
  const { files, remove } = joinTests(testFiles(words))
  process.once('exit', remove)
  process.exitCode = await runChild(
    process.execPath,
    [
      '--expose-gc',
      '--test',
      '--test-reporter=spec',
      // One file more than cores, as some files wait for timers and processes. Node's default leaves a core idle, which
      // is half of a machine with two.
      `--test-concurrency=${availableParallelism() + 1}`,
      '--test-timeout=300000',
      ...options,
      ...files,
    ],
    { cwd: root },
  )
}

test().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
