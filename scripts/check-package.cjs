/** `npm run check:package`: packs the packages as for publishing, within their limits of size, and checks the archives. */

const { spawnSync } = require('node:child_process')
const { join } = require('node:path')
const { pack } = require('./pack.cjs')

const root = join(__dirname, '..')

async function checkPackage() {
  const archives = await pack()
  for (const [name, archive] of Object.entries(archives)) {
    run('publint', ['run', archive, '--strict'])
    // The command has no types. The brokers are ES modules only.
    if (name === '@twoway/cli') continue
    const isPlain = name === 'twoway' || name === '@twoway/ws'
    run('attw', [archive, '--format', 'ascii', ...(isPlain ? [] : ['--profile', 'esm-only'])])
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
