/** `npm run build`: compiles AssemblyScript and TypeScript that changed, and then bundles the CommonJS files and the page. */

const { join } = require('node:path')
const { buildCommonjs } = require('./build-commonjs.cjs')
const { buildPage } = require('./build-page.cjs')
const { buildWs } = require('./build-ws.cjs')
const { buildAssembly } = require('./build-assembly.cjs')
const { runChild } = require('./run-child.cjs')

const root = join(__dirname, '..')

async function build() {
  // A script that runs many others, such as .ci/run, sets it: looking whether all is up to date takes seconds.
  if (process.env.TWOWAY_BUILT) return
  await buildAssembly(root)
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  process.exitCode = await runChild(process.execPath, [tsc, '-b'], { cwd: root })
  if (process.exitCode !== 0) return
  await buildCommonjs()
  await buildWs()
  await buildPage()
}

build().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
