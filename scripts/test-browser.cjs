/**
 * `npm run test:browser`: installs and builds, then tests the playground in Debian's Chromium, see test/browser. With
 * `-- --images` it also takes the pictures in docs/images.
 */

const { join } = require('node:path')
const { runChild } = require('./run-child.cjs')
const { root, setUp } = require('./set-up.cjs')

async function testBrowser() {
  await setUp()
  const main = join(root, 'test', 'dist', 'browser', 'run.js')
  process.exitCode = await runChild(process.execPath, [main, ...process.argv.slice(3)], { cwd: root })
}

testBrowser()
