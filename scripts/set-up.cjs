const { createHash } = require('node:crypto')
const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { buildAssembly } = require('./build-assembly.cjs')
const { buildCommonjs } = require('./build-commonjs.cjs')
const { runChild } = require('./run-child.cjs')
const { buildPage } = require('./build-page.cjs')
const { buildWs } = require('./build-ws.cjs')
const { takeTurn } = require('./take-turn.cjs')

const root = join(__dirname, '..')
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.twoway-set-up.json')

/**
 * Installs and builds what is missing or out of date, with a line for each; prints nothing if all is up to date.
 * Exits with a sentence if either fails. Concurrent runs take turns.
 */
async function setUp() {
  if (process.env.TWOWAY_BUILT) return
  const leaveTurn = await takeTurn()
  await install()
  await build()
  leaveTurn()
}

async function install() {
  const lockFile = readFileSync(join(root, 'package-lock.json'))
  const stamp = JSON.stringify({
    lockFile: createHash('sha256').update(lockFile).digest('hex'),
    // Packages that were installed for another platform or Node may contain binaries that do not run here.
    platform: `${process.platform}-${process.arch}-${process.versions.modules}`,
  })
  if (readOr('', stampFile) === stamp) return

  if (!isInstalled(JSON.parse(String(lockFile))) || isForAnotherPlatform(JSON.parse(stamp).platform)) {
    console.log('Installing the development tools ...')
    // The tools are devDependencies: NODE_ENV=production must not leave them out.
    const args = ['ci', '--include=dev', '--loglevel=error']
    const npm = process.env.npm_execpath
    const status = npm
      ? await runChild(process.execPath, [npm, ...args], { cwd: root, onOutput: drop })
      : await runChild('npm', args, { cwd: root, onOutput: drop, shell: process.platform === 'win32' })
    if (status !== 0) fail(`Installing failed: "npm ci" ended with ${status}. Its own words stand above.`)
  }
  writeFileSync(stampFile, stamp)
}

/** Drops npm's count of packages; npm prints errors to standard error. */
function drop() {}

/**
 * Whether the packages that npm installed last, by `npm ci` or `npm install`, are those of the lock file.
 * @param {LockFile} lockFile
 */
function isInstalled(lockFile) {
  /** @type {LockFile} */
  const installed = JSON.parse(readOr('{"packages":{}}', join(modules, '.package-lock.json')))
  const isSame = (/** @type {string} */ path) =>
    installed.packages[path]?.version === lockFile.packages[path]?.version &&
    installed.packages[path]?.integrity === lockFile.packages[path]?.integrity
  return (
    Object.entries(lockFile.packages).every(
      ([path, entry]) =>
        !path.startsWith('node_modules/') || isSame(path) || (entry.optional && !existsSync(join(root, path))),
    ) && Object.keys(installed.packages).every((path) => path in lockFile.packages)
  )
}

/** @param {string} platform */
function isForAnotherPlatform(platform) {
  const stamp = readOr('', stampFile)
  return stamp !== '' && JSON.parse(stamp).platform !== platform
}

async function build() {
  await buildAssembly(root)
  const tsc = join(modules, 'typescript', 'bin', 'tsc')
  // A fast dry run says whether there is anything to build, and so whether to print a line.
  let plan = ''
  await runChild(process.execPath, [tsc, '-b', '--dry'], {
    cwd: root,
    onOutput: (text) => {
      plan += text
    },
  })
  if (/would (build|update)/.test(plan)) {
    console.log('Building ...')
    const status = await runChild(process.execPath, [tsc, '-b'], { cwd: root })
    if (status !== 0) fail('Building failed: "tsc -b" names the places above.')
  }
  await buildCommonjs().catch((error) => fail(`Building the CommonJS files failed: ${error.message}`))
  await buildWs().catch((error) => fail(`Building @twoway/ws failed: ${error.message}`))
  await buildPage().catch((error) => fail(`Building the page failed: ${error.message}`))
}

/**
 * @param {string} fallback
 * @param {string} file
 */
function readOr(fallback, file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return fallback
  }
}

/**
 * @param {string} sentence
 * @returns {never}
 */
function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}

module.exports = { root, setUp }

/** @typedef {{ packages: Record<string, { version?: string, integrity?: string, optional?: boolean }> }} LockFile */
