/** `npm run check:package`: packs the packages as for publishing, within their limits of size, and checks the archives. */

const { spawnSync } = require('node:child_process')
const { join } = require('node:path')
const { pack } = require('./pack.cjs')

const root = join(__dirname, '..')

/** The packages with types, whose archives are tried with each way in which TypeScript resolves modules. */
const typed = ['twoway', '@twoway/ws', '@twoway/redis']

async function checkPackage() {
  const archives = await pack()
  for (const [name, archive] of Object.entries(archives)) {
    run('publint', ['run', archive, '--strict'])
    if (!typed.includes(name)) continue
    // The brokers are for Node and import ES modules only.
    run('attw', [archive, '--format', 'ascii', ...(name === '@twoway/redis' ? ['--profile', 'esm-only'] : [])])
  }
}

/**
 * @param {string} name
 * @param {readonly string[]} args
 */
function run(name, args) {
  const { status } = spawnSync(join(root, 'node_modules', '.bin', name), args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error(`${name} ended with ${status}`)
}

checkPackage().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
