/** `npm run test:runtimes`: installs and builds, then runs the suites on each runtime, see test/runtimes/run.ts. */

const { join } = require('node:path')
const { runChild } = require('./run-child.cjs')
const { root, setUp } = require('./set-up.cjs')

async function testRuntimes() {
  await setUp()
  const main = join(root, 'test', 'dist', 'runtimes', 'run.js')
  process.exitCode = await runChild(process.execPath, [main, ...process.argv.slice(3)], { cwd: root })
}

testRuntimes()
