/**
 * Builds `dist/commonjs` of the library from the output of `tsc -b`, for loaders that can't require ES modules, such as Jest
 * on Node before 24.9. The published package has no other copy: `scripts/pack.cjs` makes its ES modules from these files.
 * An entry is a short file; all modules are in two bundles, so that each is loaded once: `portable.cjs` for every platform,
 * and `node.cjs`, which takes the modules that both need from `portable.cjs`. Does nothing if no part is newer than the files.
 */

const { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } = require('node:fs')
const { join, relative, sep } = require('node:path')
const { pathToFileURL } = require('node:url')

const dist = join(__dirname, '..', 'packages', 'twoway', 'dist')
const output = join(dist, 'commonjs')
const partsFile = join(dist, '.build', 'commonjs-parts.json')

/** The bundles, and the entries that they have. */
const bundles = /** @type {const} */ ({
  portable: ['browser', 'memory', 'metrics', 'frameworks', 'link-browser'],
  node: ['client', 'server', 'workers', 'streams', 'hub', 'link', 'worker-start'],
})

async function buildCommonjs() {
  if (isUpToDate()) return
  rmSync(output, { recursive: true, force: true })
  mkdirSync(output, { recursive: true })
  const portable = bundles.portable.map(pathOf)
  const { modules } = await bundle('portable', portable, nothing)
  /** @type {Set<string>} */
  const taken = new Set()
  const node = await bundle('node', bundles.node.map(pathOf), takenFromPortable(new Set(modules), taken))
  // cluster-host.js looks for another module by the URL of its own. A bundler may make an ES module of this, without a path.
  const url = `require('node:url').pathToFileURL(__dirname + '/../runtimes/node/workers/cluster-host.js').href`
  const head = `const moduleUrl = typeof __dirname === 'string' ? ${url} : undefined\n`
  writeFileSync(join(output, 'node.cjs'), head + node.text)
  const { text } = await bundle('portable', [...new Set([...portable, ...taken])], nothing)
  writeFileSync(join(output, 'portable.cjs'), text)
  for (const [file, entries] of Object.entries(bundles)) {
    for (const entry of entries) {
      const names = await namesOf(entry)
      writeFileSync(join(output, `${entry}.cjs`), entryText(file, entry, names))
      if (names.length > 0) writeFileSync(join(output, `${entry}.d.cts`), declarations(entry, names))
    }
  }
  writeFileSync(partsFile, JSON.stringify([...modules, ...node.modules]))
}

/** @param {string} entry */
function pathOf(entry) {
  return `entries/${entry}.js`
}

/**
 * Makes a bundle whose exports are functions, one for each module named, which evaluate the module at the first call.
 * Resolves to its text and to all modules in it.
 *
 * @param {keyof typeof bundles} name
 * @param {readonly string[]} exported
 * @param {import('esbuild').Plugin} plugin
 */
async function bundle(name, exported, plugin) {
  const { build } = require('esbuild')
  const contents = exported.map((path) => `exports['${path}'] = () => require('./${path}')`).join('\n')
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: dist },
    bundle: true,
    write: false,
    metafile: true,
    absWorkingDir: dist,
    platform: name === 'node' ? 'node' : 'neutral',
    format: 'cjs',
    target: 'es2023',
    minify: true,
    // Stack traces show the names, and a class has its name.
    keepNames: true,
    // Node prints the line of an error that ends the process.
    lineLimit: 120,
    define: { 'import.meta.url': 'moduleUrl' },
    plugins: [plugin],
    logLevel: 'warning',
  })
  const text = /** @type {import('esbuild').OutputFile} */ (outputFiles[0]).text
  return { text, modules: Object.keys(metafile.inputs).filter((path) => existsSync(join(dist, path))) }
}

/** @type {import('esbuild').Plugin} */
const nothing = { name: 'nothing', setup() {} }

/**
 * Replaces the modules that are in `portable.cjs` by what that exports.
 *
 * @param {ReadonlySet<string>} modules
 * @param {Set<string>} taken gets the modules that were replaced
 * @returns {import('esbuild').Plugin}
 */
function takenFromPortable(modules, taken) {
  return {
    name: 'taken-from-portable',
    setup(build) {
      build.onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        if (path === './portable.cjs') return { path, external: true }
        const name = relative(dist, join(resolveDir, path)).replaceAll(sep, '/')
        if (!modules.has(name)) return undefined
        taken.add(name)
        return { path: name, namespace: 'portable' }
      })
      build.onLoad({ filter: /./, namespace: 'portable' }, async ({ path }) => {
        const names = Object.keys(await import(pathToFileURL(join(dist, path)).href))
        // Constants, which cost less than the getters of the module itself.
        const constants = names.map((name) => `export const ${name} = part.${name}`)
        return { contents: [`const part = require('./portable.cjs')['${path}']()`, ...constants].join('\n') }
      })
    },
  }
}

/**
 * The names that an entry exports, in alphabetical order.
 *
 * @param {string} entry
 */
async function namesOf(entry) {
  return Object.keys(await import(pathToFileURL(join(dist, 'entries', `${entry}.js`)).href))
}

/**
 * An entry assigns each name to `exports`: so Node finds the names when an ES module imports them.
 *
 * @param {string} file
 * @param {string} entry
 * @param {readonly string[]} names
 */
function entryText(file, entry, names) {
  return [
    `'use strict'`,
    `Object.defineProperty(exports, '__esModule', { value: true })`,
    `const entry = require('./${file}.cjs')['${pathOf(entry)}']()`,
    ...names.map((name) => `exports.${name} = entry.${name}`),
    '',
  ].join('\n')
}

/**
 * The declarations of an entry as CommonJS. Their types are those of the ES module, not copies, so that values of a program's
 * two halves fit together. A value that begins with a capital is a type too.
 *
 * @param {string} entry
 * @param {readonly string[]} names
 */
function declarations(entry, names) {
  const from = `from '../entries/${entry}.js' with { 'resolution-mode': 'import' }`
  return [
    `import type * as entry ${from}`,
    `export type * ${from}`,
    ...names.flatMap((name) => [
      `export declare const ${name}: typeof entry.${name}`,
      ...(/^[A-Z]/.test(name) ? [`export type ${name} = entry.${name}`] : []),
    ]),
    '',
  ].join('\n')
}

/** Whether the files exist and none of their parts has changed since. */
function isUpToDate() {
  if (!existsSync(partsFile)) return false
  /** @type {string[]} */
  const parts = JSON.parse(readFileSync(partsFile, 'utf8'))
  const { mtimeMs } = statSync(partsFile)
  const isOlder = [__filename, ...parts.map((part) => join(dist, part))].every(
    (part) => existsSync(part) && statSync(part).mtimeMs <= mtimeMs,
  )
  return (
    isOlder &&
    Object.values(bundles)
      .flat()
      .every((entry) => existsSync(join(output, `${entry}.cjs`)))
  )
}

module.exports = { buildCommonjs, namesOf }
