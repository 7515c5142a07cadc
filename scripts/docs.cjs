/**
 * `npm run docs` builds the site of the documentation into `docs/.vitepress/dist`; `npm run docs:serve` builds it if there is
 * none, and serves it. Its generator is installed at the first run, by the lock file of `docs/`, so that others do not wait
 * for its 125 packages.
 */

const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { runChild } = require('./run-child.cjs')

const root = join(__dirname, '..')
const docs = join(root, 'docs')
const vitepress = join(docs, 'node_modules', 'vitepress')

async function main() {
  const [command = 'build', ...args] = process.argv.slice(2)
  if (!isInstalled()) await npm('ci', '--loglevel=error')
  if (command === 'build' || !existsSync(join(docs, '.vitepress', 'dist', 'index.html'))) {
    await npm('run', '--silent', 'build')
    await node(join(root, 'scripts', 'docs-reference.cjs'))
    await node(join(vitepress, 'bin', 'vitepress.js'), 'build', docs)
  }
  if (command === 'serve') await node(join(vitepress, 'bin', 'vitepress.js'), 'serve', docs, ...args)
}

function isInstalled() {
  const file = join(vitepress, 'package.json')
  if (!existsSync(file)) return false
  const { version } = JSON.parse(readFileSync(file, 'utf8'))
  return version === JSON.parse(readFileSync(join(docs, 'package.json'), 'utf8')).devDependencies.vitepress
}

/** @param {readonly string[]} args */
async function npm(...args) {
  const npm = process.env.npm_execpath
  const cwd = args[0] === 'ci' ? docs : root
  const status = npm
    ? await runChild(process.execPath, [npm, ...args], { cwd })
    : await runChild('npm', [...args], { cwd, shell: process.platform === 'win32' })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}`)
}

/** @param {readonly string[]} args */
async function node(...args) {
  const status = await runChild(process.execPath, [...args], { cwd: root })
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`)
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
