/**
 * Builds `dist/commonjs` of the library from the output of `tsc -b`, for loaders that can't require ES modules, such as Jest
 * on Node before 24.9. The published package has no other copy: `scripts/pack.cjs` makes its ES modules from these files.
 * An entry is a short file. The code is in `parts`: a file for each group of entries, and one for each set of groups that
 * shares modules, so that each module is loaded once. Does nothing if no module is newer than the files.
 *
 * Set-up loads this file before packages are installed, so each function requires those that it needs.
 */

const { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } = require('node:fs')
const { basename, join } = require('node:path')
const { pathToFileURL } = require('node:url')

const dist = join(__dirname, '..', 'packages', 'twoway', 'dist')
const output = join(dist, 'commonjs')
const inputsFile = join(dist, '.build', 'commonjs-parts.json')

/**
 * The entries that are loaded together: those of pages, those for every platform, and the clients and servers of Node. A program that loads one
 * entry evaluates all modules of its group. The start of a worker exports nothing and is a part of its own.
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const groups = {
  page: ['browser', 'link-browser'],
  portable: ['memory', 'metrics', 'frameworks'],
  client: ['client', 'link'],
  server: ['server', 'workers', 'streams', 'hub'],
}

async function buildCommonjs() {
  if (isUpToDate()) return
  rmSync(output, { recursive: true, force: true })
  mkdirSync(join(output, 'parts'), { recursive: true })
  const { outputFiles, metafile } = await require('esbuild').build({
    entryPoints: [
      ...Object.keys(groups).map((group) => ({ in: `group:${group}`, out: group })),
      { in: join(dist, 'entries', 'worker-start.js'), out: 'worker' },
    ],
    outdir: join(output, 'parts'),
    chunkNames: 'shared-[hash]',
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    absWorkingDir: dist,
    platform: 'node',
    format: 'esm',
    target: 'es2023',
    define: { 'import.meta.url': 'moduleUrl' },
    plugins: [groupModules],
    logLevel: 'warning',
  })
  const parts = namesOfParts(metafile)
  const texts = new Map(
    outputFiles.map(({ path, text }) => {
      const renamed = text.replaceAll(/"\.\/(shared-\w+)\.js"/g, (_, part) => `"./${parts.get(part)}.js"`)
      const part = basename(path, '.js')
      return [parts.get(part) ?? part, renamed]
    }),
  )
  const places = new Map([...texts].map(([part, text]) => [part, placesOf(text)]))
  for (const [part, text] of texts) {
    writeFileSync(join(output, 'parts', `${part}.cjs`), await toCommonjs(part, text, places))
  }
  for (const [group, entries] of Object.entries(groups)) {
    for (const entry of entries) {
      const names = await namesOf(entry)
      writeFileSync(join(output, `${entry}.cjs`), entryText(group, entry, names, places.get(group)))
      writeFileSync(join(output, `${entry}.d.cts`), declarations(entry, names))
    }
  }
  writeFileSync(join(output, 'worker-start.cjs'), `require('./parts/worker.cjs')\n`)
  writeFileSync(inputsFile, JSON.stringify(Object.keys(metafile.inputs).filter((path) => existsSync(join(dist, path)))))
}

/**
 * The names of the parts that several groups share: those of the groups, which differ for each part.
 *
 * @param {import('esbuild').Metafile} metafile
 * @returns {Map<string, string>}
 */
function namesOfParts({ outputs }) {
  /** @type {Map<string, string[]>} */
  const groupsOf = new Map()
  for (const file of Object.keys(outputs).filter((path) => !basename(path).startsWith('shared-'))) {
    const reached = new Set([file])
    for (const path of reached) {
      for (const { path: next, external } of outputs[path]?.imports ?? []) if (!external) reached.add(next)
    }
    for (const path of reached) groupsOf.set(path, [...(groupsOf.get(path) ?? []), basename(file, '.js')])
  }
  return new Map([...groupsOf].map(([path, reaching]) => [basename(path, '.js'), reaching.sort().join('-')]))
}

/** A module for each group, which exports what its entries export, under names that begin with those of the entries. @type {import('esbuild').Plugin} */
const groupModules = {
  name: 'group-modules',
  setup(build) {
    build.onResolve({ filter: /^group:/ }, ({ path }) => ({ path, namespace: 'group' }))
    build.onLoad({ filter: /./, namespace: 'group' }, async ({ path }) => {
      const entries = groups[path.replace('group:', '')] ?? []
      const lines = await Promise.all(
        entries.map(async (entry) => {
          const names = (await namesOf(entry)).map((name) => `${name} as ${keyOf(entry, name)}`)
          return `export { ${names.join(', ')} } from './entries/${entry}.js'`
        }),
      )
      return { contents: lines.join('\n'), resolveDir: dist }
    })
  },
}

/**
 * The name under which a group has the export of an entry.
 *
 * @param {string} entry
 * @param {string} name
 */
function keyOf(entry, name) {
  return `${entry.replace('-', '_')}_${name}`
}

/** @typedef {ReadonlyMap<string, number>} Places the indices of what a part exports, by the names */

/**
 * The places of a part's exports in the array in which other parts find them. An array takes less of the archive than names.
 *
 * @param {string} text
 * @returns {Places}
 */
function placesOf(text) {
  const names = pairsOf(exportsOfModule.exec(text)?.[1] ?? '').map(([, name]) => name)
  return new Map(names.sort().map((name, index) => [name, index]))
}

const exportsOfModule = /^export \{([^}]*)\};$/m

/**
 * Turns an ES module of the bundler into CommonJS and minifies it. Imports become constants, which cost less than the getters of
 * a module.
 *
 * @param {string} part
 * @param {string} text
 * @param {ReadonlyMap<string, Places>} places of all parts
 */
async function toCommonjs(part, text, places) {
  const required = withClassNames(text)
    .replaceAll(
      /^import (?:(\w+)(?:, | ))?(?:\* as (\w+) |\{([^}]*)\} )?(?:from )?"([^"]+)";$/gm,
      (_, standard, namespace, names, from) =>
        importToRequire({ standard, namespace, names, from, places: places.get(basename(from, '.js')) }),
    )
    .replace(exportsOfModule, (_, names) => {
      return `module.exports = [${atPlaces(pairsOf(names), places.get(part))}];`
    })
  const unknown = /^(?:import|export) .*$/m.exec(required)?.[0]
  if (unknown !== undefined) throw new Error(`This form of import or export is unknown: ${unknown}`)
  const code = `"use strict";${await minifyScript(required)}`
  return code.includes('moduleUrl') ? code.replace('"use strict";', `"use strict";${moduleUrl}`) : code
}

/**
 * Gives a class its name where that would change: within a function, whose names are shortened, and where the bundler has added a
 * number to tell it from a class of another module.
 *
 * @param {string} bundled
 */
function withClassNames(bundled) {
  const text = withoutInnerNames(bundled)
  const named = text.replaceAll(/^(.*?)\bclass(?: (?!extends )(\w+))?(?: extends .+)? \{$/gm, (line, before, own) => {
    const shown = own ?? /^var (\w+) = $/.exec(before)?.[1]
    const given = shown?.replace(/\d+$/, '')
    const isNumbered = given !== shown && new RegExp(`\\b${given}\\b`).test(text)
    const name = (isNumbered ? given : shown)?.replace(/^_/, '')
    const isOutermost = before === '' || before.startsWith('var ')
    if (name === undefined || (isOutermost && shown === name)) return line
    return `${line} static { nameClass(this, "${name}"); }`
  })
  if (named === text) return text
  return `const nameClass = (named, value) => Object.defineProperty(named, "name", { value, configurable: true });\n${named}`
}

/**
 * Takes away the second name that the bundler gives to a class that refers to itself. The class then has that of its variable,
 * unless the variable has no value yet when the class refers to itself.
 *
 * @param {string} text
 */
function withoutInnerNames(text) {
  const ts = require('typescript-6')
  const source = ts.createSourceFile('code.js', text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS)
  const classes = source.statements
    .flatMap((statement) => (ts.isVariableStatement(statement) ? [...statement.declarationList.declarations] : []))
    .flatMap(({ name, initializer }) =>
      initializer !== undefined && ts.isClassExpression(initializer) && initializer.name?.text === `_${name.getText()}`
        ? [{ inner: initializer.name, outer: name.getText(), uses: usesOf(initializer, initializer.name.text) }]
        : [],
    )
    .filter(({ uses }) => !uses.some(isEvaluatedAtOnce))
  return classes
    .flatMap(({ inner, outer, uses }) => [
      { start: inner.pos, end: inner.end, text: '' },
      ...uses.map((use) => ({ start: use.getStart(), end: use.end, text: outer })),
    ])
    .sort((one, other) => other.start - one.start)
    .reduce((rest, change) => rest.slice(0, change.start) + change.text + rest.slice(change.end), text)
}

/**
 * The places in a class that use its inner name.
 *
 * @param {import('typescript-6').ClassExpression} node
 * @param {string} name
 */
function usesOf(node, name) {
  const ts = require('typescript-6')
  /** @type {import('typescript-6').Identifier[]} */
  const uses = []
  /** @param {import('typescript-6').Node} child */
  const visit = (child) => {
    if (ts.isIdentifier(child) && child.text === name && child !== node.name) uses.push(child)
    ts.forEachChild(child, visit)
  }
  visit(node)
  return uses
}

/**
 * Whether an expression in a class has its value while the class is made: it is in a static block, or in the value of a static
 * member, and in no function.
 *
 * @param {import('typescript-6').Node} expression
 */
function isEvaluatedAtOnce(expression) {
  const ts = require('typescript-6')
  for (let node = expression.parent; !ts.isClassLike(node); node = node.parent) {
    if (ts.isFunctionLike(node)) return false
    if (ts.isPropertyDeclaration(node)) {
      return node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) === true
    }
  }
  return true
}

/**
 * Minifies code as a script, whose outermost names stay: stack traces show those of functions and classes.
 *
 * @param {string} text
 */
async function minifyScript(text) {
  const { code } = await require('esbuild').transform(text, {
    minify: true,
    target: 'es2023',
    // Node prints the line of an error that ends the process.
    lineLimit: 400,
  })
  return code
}

/**
 * cluster-host.js looks for another module by the URL of its own. A bundler may make an ES module of this file, without a
 * path.
 */
const moduleUrl = `const moduleUrl=typeof __dirname==='string'?require('node:url').pathToFileURL(__dirname+'/../../runtimes/node/workers/cluster-host.js').href:void 0;`

/**
 * @param {object} statement
 * @param {string | undefined} statement.standard the name of a default import: of Node's modules, whose default is the module
 * @param {string | undefined} statement.namespace
 * @param {string | undefined} statement.names
 * @param {string} statement.from
 * @param {Places | undefined} statement.places those of the part, if it is one
 */
function importToRequire({ standard, namespace, names, from, places }) {
  const module = `require("${from.replace(/\.js$/, '.cjs')}")`
  const pairs = pairsOf(names ?? '')
  const own =
    places === undefined
      ? `{ ${pairs.map(([name, local]) => `${name}: ${local}`).join(', ')} }`
      : `[${atPlaces(
          pairs.map(([name, local]) => [local, name]),
          places,
        )}]`
  const given = [standard, namespace, pairs.length > 0 ? own : undefined]
  const constants = given.filter((each) => each !== undefined)
  return constants.length === 0
    ? `${module};`
    : constants.map((constant) => `const ${constant} = ${module};`).join('\n')
}

/**
 * The elements of an array with local names at the places of those of the part, or with nothing there.
 *
 * @param {readonly [local: string, name: string][]} pairs
 * @param {Places | undefined} places
 */
function atPlaces(pairs, places) {
  /** @type {string[]} */
  const elements = []
  for (const [local, name] of pairs) elements[places?.get(name) ?? 0] = local
  return elements.join(', ')
}

/**
 * The names of an import or export, such as `a, b as c`: each as it is called before and after `as`.
 *
 * @param {string} names
 * @returns {[first: string, second: string][]}
 */
function pairsOf(names) {
  return names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .map((name) => {
      const [first = '', second = first] = name.split(' as ')
      return [first, second]
    })
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
 * @param {string} group
 * @param {string} entry
 * @param {readonly string[]} names
 * @param {Places | undefined} places those of the group
 */
function entryText(group, entry, names, places) {
  return [
    `'use strict'`,
    `Object.defineProperty(exports, '__esModule', { value: true })`,
    `const group = require('./parts/${group}.cjs')`,
    ...names.map((name) => `exports.${name} = group[${places?.get(keyOf(entry, name))}]`),
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

/** Whether the files exist and none of the modules in them has changed since. */
function isUpToDate() {
  if (!existsSync(inputsFile)) return false
  /** @type {string[]} */
  const inputs = JSON.parse(readFileSync(inputsFile, 'utf8'))
  const { mtimeMs } = statSync(inputsFile)
  const isOlder = [__filename, ...inputs.map((path) => join(dist, path))].every(
    (path) => existsSync(path) && statSync(path).mtimeMs <= mtimeMs,
  )
  return (
    isOlder &&
    Object.values(groups)
      .flat()
      .every((entry) => existsSync(join(output, `${entry}.cjs`)))
  )
}

module.exports = { buildCommonjs, minifyScript, namesOf, withClassNames }
