/**
 * `npm test`: sets up, then runs each `*.test.ts` in its compiled form. `npm test -- utf8 closing` runs those whose path
 * holds one of the words; what begins with a dash goes to node's test runner (`--test-name-pattern=§5.4`).
 */

const { availableParallelism } = require('node:os')
const { runChild } = require('./run-child.cjs')
const { root, setUp } = require('./set-up.cjs')
const { testFiles } = require('./test-files.cjs')

async function test() {
  await setUp()

  const args = process.argv.slice(3)
  const words = args.filter((arg) => !arg.startsWith('-'))
  const options = args.filter((arg) => arg.startsWith('-'))
  process.exitCode = await runChild(
    process.execPath,
    [
      '--expose-gc',
      '--test',
      '--test-reporter=spec',
      // Node's own default leaves one core idle: half of a machine of two.
      `--test-concurrency=${availableParallelism()}`,
      '--test-timeout=300000',
      ...options,
      ...testFiles(words),
    ],
    { cwd: root },
  )
}

test().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
