/**
 * `npm run pack`: makes the archives that are published, in `.scratch/packages`, from the built packages. Fails if the
 * library exceeds its limits. `packages/X/package.json` has the fields of a package of its own; the root's package.json has
 * those that are common to all.
 *
 * The published library has its code once, as the CommonJS bundles: its ES modules import these. So it is half as large, and
 * a program that imports it and requires it has one copy on any Node. The entries of pages are bundled as ES modules.
 */

const { spawnSync } = require('node:child_process')
const { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { basename, dirname, join } = require('node:path')
const { minifyScript, namesOf } = require('./build-commonjs.cjs')
const { pruneDeclarations } = require('./prune-declarations.cjs')

const root = join(__dirname, '..')
const output = join(root, '.scratch', 'packages')

/** The folders of the published packages, the library first, as the others depend on it. */
const packages = readdirSync(join(root, 'packages'))
  .filter((name) => existsSync(manifestOf(name)) && readJson(manifestOf(name)).private !== true)
  .sort((one, other) => Number(other === 'twoway') - Number(one === 'twoway') || (one < other ? -1 : 1))

/** Bytes of the library: installed, and as the archive that npm downloads. */
const limits = { unpacked: 900 * 1024, packed: 250_000 }

/** Entries that Node loads, and entries that a page loads. */
const nodeEntries = /** @type {const} */ (['client', 'server', 'workers', 'streams', 'hub', 'link'])
const portableEntries = /** @type {const} */ (['memory', 'metrics', 'frameworks'])
const pageEntries = /** @type {const} */ (['browser', 'link-browser'])

/**
 * Resolves to the archives by the names of their packages.
 *
 * @returns {Promise<Record<string, string>>}
 */
async function pack() {
  rmSync(output, { recursive: true, force: true })
  /** @type {Record<string, string>} */
  const archives = {}
  for (const name of packages) {
    const folder = join(output, name)
    await stage(name, folder)
    const { filename, size, unpackedSize, entryCount } = archive(folder)
    const { name: fullName, version } = readJson(join(folder, 'package.json'))
    archives[fullName] = join(output, filename)
    console.log(`${fullName} ${version}: ${entryCount} files, ${unpackedSize} bytes unpacked, ${size} packed.`)
    if (name === 'twoway') checkLimits(unpackedSize, size)
  }
  return archives
}

/**
 * Writes the files of a package as they are published.
 *
 * @param {string} name
 * @param {string} folder
 * @param {{ declares?: boolean }} [options] without declarations, which take seconds and which no program loads
 */
async function stage(name, folder, { declares = true } = {}) {
  const from = join(root, 'packages', name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest(name), null, 2)}\n`)
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  cpSync(join(from, 'README.md'), join(folder, 'README.md'))
  if (name === 'twoway') return stageLibrary(join(from, 'dist'), join(folder, 'dist'), declares)
  for (const part of readJson(manifestOf(name)).files.filter((/** @type {string} */ part) => part[0] !== '!')) {
    cpSync(join(from, part), join(folder, part), { recursive: true, filter: isShipped })
  }
}

/** @param {string} name */
function manifestOf(name) {
  return join(root, 'packages', name, 'package.json')
}

/** @param {string} name */
function manifest(name) {
  const { repository, homepage, bugs, author } = readJson(join(root, 'package.json'))
  const { devDependencies: _, files, ...own } = readJson(manifestOf(name))
  return {
    ...own,
    author,
    homepage,
    repository: { ...repository, directory: `packages/${name}` },
    bugs,
    files: files.filter((/** @type {string} */ part) => part[0] !== '!'),
    publishConfig: { access: 'public', provenance: true },
  }
}

/** Neither tests nor maps of sources that the package does not have, and no records of the build. */
const isShipped = (/** @type {string} */ path) => !/\.test\.|\.map$|[/\\]\.build$|\.tsbuildinfo$|tsconfig/.test(path)

/**
 * @param {string} from
 * @param {string} folder
 * @param {boolean} declares
 */
async function stageLibrary(from, folder, declares) {
  cpSync(join(from, 'commonjs'), join(folder, 'commonjs'), { recursive: true })
  const entries = join(folder, 'entries')
  mkdirSync(entries)
  for (const entry of [...nodeEntries, ...portableEntries]) {
    const names = await namesOf(entry)
    writeFileSync(join(entries, `${entry}.js`), `export { ${names.join(', ')} } from '../commonjs/${entry}.cjs'\n`)
  }
  writeFileSync(join(entries, 'worker-start.js'), workerStart)
  await bundlePages(from, entries)
  if (!declares) return
  const declarations = [...nodeEntries, ...portableEntries, ...pageEntries].map((entry) => `entries/${entry}.d.ts`)
  for (const [file, text] of pruneDeclarations(from, declarations)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
}

/** As entries/worker-start.ts, whose own URL is that of this file. */
const workerStart = `import process from 'node:process'
import '../commonjs/worker-start.cjs'

const at = process.execArgv.indexOf(import.meta.url)
if (at > 0) process.execArgv.splice(at - 1, 2)
`

/**
 * @param {string} from
 * @param {string} folder
 */
async function bundlePages(from, folder) {
  const { outputFiles } = await require('esbuild').build({
    entryPoints: pageEntries.map((entry) => join(from, 'entries', `${entry}.js`)),
    outdir: folder,
    chunkNames: 'page-[hash]',
    bundle: true,
    splitting: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    target: 'es2023',
    minifySyntax: true,
    logLevel: 'warning',
  })
  for (const { path, text } of outputFiles) {
    // Without its imports and exports, the module is a script: names of functions and classes stay.
    const statements = [...text.matchAll(/^(?:import|export) [^"]*?(?:"[^"]+")?;$/gm)].map(([statement]) => statement)
    const script = statements.reduce((rest, statement) => rest.replace(statement, ''), text)
    const own = statements.map((statement) => statement.replaceAll(/\s+/g, ' ')).join('\n')
    writeFileSync(join(folder, basename(path)), `${own}\n${await minifyScript(script)}`)
  }
}

/**
 * @param {string} folder
 * @returns {{ filename: string, size: number, unpackedSize: number, entryCount: number }}
 */
function archive(folder) {
  const npm = process.env.npm_execpath
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', output]
  const { status, stdout, stderr } = spawnSync(npm ? process.execPath : 'npm', npm ? [npm, ...args] : args, {
    cwd: folder,
    encoding: 'utf8',
    shell: !npm && process.platform === 'win32',
  })
  if (status !== 0) throw new Error(`npm pack failed in ${folder}: ${stderr}`)
  return JSON.parse(stdout)[0]
}

/**
 * @param {number} unpacked
 * @param {number} packed
 */
function checkLimits(unpacked, packed) {
  for (const [bytes, limit, kind] of /** @type {const} */ ([
    [unpacked, limits.unpacked, 'unpacked'],
    [packed, limits.packed, 'packed'],
  ])) {
    if (bytes > limit) throw new Error(`The library has ${bytes} bytes ${kind}, and ${limit} are allowed.`)
  }
}

/** @param {string} file */
function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

if (require.main === module) {
  pack().catch((error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}

module.exports = { pack, packages, stage }
