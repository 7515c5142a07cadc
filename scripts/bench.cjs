/** `npm run bench`: installs and builds, then measures Twoway beside its rivals, see bench/src/main.ts. */

const { join } = require('node:path')
const { runChild } = require('./run-child.cjs')
const { root, setUp } = require('./set-up.cjs')

async function bench() {
  // Standard output is for the results.
  console.log = console.error
  await setUp()
  const main = join(root, 'bench', 'dist', 'main.js')
  process.exitCode = await runChild(process.execPath, [main, ...process.argv.slice(3)], { cwd: root })
}

bench()
