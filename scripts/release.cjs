/**
 * `npm run release -- --dry-run`: builds, tests, packs and checks the packages, and writes the section of the changelog, in
 * `.scratch/release`. Without `--dry-run` it then publishes the archives, with provenance: that needs the token of a continuous
 * integration that npm trusts, and a clean checkout. `--tests "core closing"` runs only the test files whose path has one of
 * the words, and `--tests none` runs none.
 */

const { spawnSync } = require('node:child_process')
const { mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { parseArgs } = require('node:util')
const { packages } = require('./pack.cjs')

const root = join(__dirname, '..')
const output = join(root, '.scratch', 'release')

/** Packages that have the version of the library. @twoway/ws has the version of ws whose API it has. */
const inStep = packages.filter((name) => name !== 'ws')

const { values } = parseArgs({
  options: { 'dry-run': { type: 'boolean', default: false }, tests: { type: 'string', default: '' } },
})

function release() {
  const isDry = values['dry-run']
  const version = checkedVersion()
  if (!isDry) checkIsPublishable()
  npm('run', '--silent', 'build')
  if (values.tests !== 'none') npm('test', '--', ...values.tests.split(' ').filter((word) => word !== ''))
  npm('run', '--silent', 'check:package')
  npm('run', '--silent', 'test:packages')
  const section = sectionOf(version)
  rmSync(output, { recursive: true, force: true })
  mkdirSync(output, { recursive: true })
  writeFileSync(join(output, `CHANGELOG-${version}.md`), section)
  console.log(`The section of the changelog is in ${join(output, `CHANGELOG-${version}.md`)}.`)
  for (const archive of archives()) {
    if (isDry) console.log(`A release publishes ${archive}.`)
    else npm('publish', archive, '--provenance', '--access', 'public')
  }
  if (!isDry) moveSection(version, section)
}

/** The version of the packages. Throws if they are not in step, or depend on another version of the library. */
function checkedVersion() {
  const { version } = manifest('twoway')
  for (const name of inStep) {
    if (manifest(name).version !== version) throw new Error(`packages/${name} does not have the version ${version}`)
  }
  for (const name of packages.filter((each) => each !== 'twoway')) {
    const { dependencies, peerDependencies } = manifest(name)
    const needed = { ...dependencies, ...peerDependencies }.twoway
    if (needed !== version) throw new Error(`packages/${name} needs twoway ${needed}, not ${version}`)
  }
  return version
}

function checkIsPublishable() {
  if (/\bOWNER\b/.test(readFileSync(join(root, 'package.json'), 'utf8'))) {
    throw new Error(
      'The addresses in package.json have the placeholder OWNER: put the name of the repository in its place.',
    )
  }
  const git = (/** @type {readonly string[]} */ ...args) =>
    spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout
  const outdated = git('grep', '-lE', 'not on npm yet|尚未发布到 npm', '--', '*.md').trim().replaceAll('\n', ', ')
  if (outdated !== '') throw new Error(`These documents say that the packages are not on npm: ${outdated}`)
  if (git('status', '--porcelain') !== '') throw new Error('The checkout has changes that are not committed.')
}

/** @param {string} name */
function manifest(name) {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))
}

/** @returns {string[]} */
function archives() {
  return packages.map((name) => {
    const { name: fullName, version } = manifest(name)
    return join(root, '.scratch', 'packages', `${fullName.replace('@', '').replace('/', '-')}-${version}.tgz`)
  })
}

/**
 * The changes since the last release, with the version and the date of today.
 *
 * @param {string} version
 */
function sectionOf(version) {
  const text = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
  const changes = /^## Unreleased\n(.*?)(?=^## |(?![\s\S]))/ms.exec(text)?.[1]?.trim()
  if (!changes) throw new Error('CHANGELOG.md has no changes under "Unreleased".')
  return `## ${version} (${new Date().toISOString().slice(0, 10)})\n\n${changes}\n`
}

/**
 * @param {string} version
 * @param {string} section
 */
function moveSection(version, section) {
  const file = join(root, 'CHANGELOG.md')
  const changes = section.slice(section.indexOf('\n\n') + 2).trim()
  const text = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    text.replace(`## Unreleased\n\n${changes}\n`, () => `## Unreleased\n\n${section}`),
  )
  console.log(`CHANGELOG.md has the section of ${version}: commit it.`)
}

/** @param {readonly string[]} args */
function npm(...args) {
  const path = process.env.npm_execpath
  const { status } = spawnSync(path ? process.execPath : 'npm', path ? [path, ...args] : args, {
    cwd: root,
    stdio: 'inherit',
    shell: !path && process.platform === 'win32',
  })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}`)
}

try {
  release()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
