/**
 * `npm run pack`: makes the archives that are published, in `.scratch/packages`, from the built packages. Fails if the
 * library exceeds its limits. `packages/X/package.json` has the fields of a package of its own; the root's package.json has
 * those that are common to all.
 *
 * The published library has its code once, as the CommonJS bundles: its ES modules import these. So it is half as large, and
 * a program that imports it and requires it has one copy on any Node. The entries of pages are bundled as ES modules.
 *
 * npm makes the archives. In that of the library, similar files follow one another, and Zopfli compresses it again, which takes
 * longer and makes it a twenty-fifth smaller.
 */

const { spawnSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } = require('node:fs')
const { basename, dirname, join } = require('node:path')
const { promisify } = require('node:util')
const { deflateRawSync, gunzipSync } = require('node:zlib')
const ts = require('typescript-6')
const { minifyScript, namesOf, withClassNames } = require('./build-commonjs.cjs')
const { pruneDeclarations } = require('./prune-declarations.cjs')

const root = join(__dirname, '..')
const output = join(root, '.scratch', 'packages')
const cache = join(root, '.scratch', 'packing')

/** The folders of the published packages, the library first, as the others depend on it. */
const packages = readdirSync(join(root, 'packages'))
  .filter((name) => existsSync(manifestOf(name)) && readJson(manifestOf(name)).private !== true)
  .sort((one, other) => Number(other === 'twoway') - Number(one === 'twoway') || (one < other ? -1 : 1))

/** Bytes of the library: installed, and as the archive that npm downloads. */
const limits = { unpacked: 900 * 1024, packed: 200_000 }

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
    const { filename, unpackedSize, entryCount } = archive(folder)
    const file = join(output, filename)
    if (name === 'twoway') writeFileSync(file, await compress(sortedArchive(gunzipSync(readFileSync(file)))))
    const { size } = statSync(file)
    const { name: fullName, version } = readJson(join(folder, 'package.json'))
    archives[fullName] = file
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
  const parts = join(folder, 'commonjs', 'parts')
  /** @type {Names} */
  const ofPages = {}
  for (const part of readdirSync(parts).sort()) {
    const file = join(parts, part)
    const names = /\bpage\b/.test(part) ? ofPages : undefined
    writeFileSync(file, await shortenNames(readFileSync(file, 'utf8'), { names }))
  }
  const entries = join(folder, 'entries')
  mkdirSync(entries)
  for (const entry of [...nodeEntries, ...portableEntries]) {
    const names = await namesOf(entry)
    writeFileSync(join(entries, `${entry}.js`), `export { ${names.join(', ')} } from '../commonjs/${entry}.cjs'\n`)
  }
  writeFileSync(join(entries, 'worker-start.js'), workerStart)
  await bundlePages(from, entries, ofPages)
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
 * @param {Names} names those of the parts of pages, so that the compressor finds their code in the modules again
 */
async function bundlePages(from, folder, names) {
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
    logLevel: 'warning',
  })
  for (const { path, text } of outputFiles) {
    // Without its imports and exports, the module is a script: outermost names of functions and classes stay.
    const statements = [...text.matchAll(/^(?:import|export) [^"]*?(?:"[^"]+")?;$/gm)].map(([statement]) => statement)
    const script = statements.reduce((rest, statement) => rest.replace(statement, ''), text)
    const own = statements.map((statement) => statement.replaceAll(/\s+/g, ' ')).join('\n')
    const module = `${own}\n${await minifyScript(withClassNames(script))}`
    writeFileSync(join(folder, basename(path)), await shortenNames(module, { isModule: true, names }))
  }
}

/** @typedef {{ vars?: { props: Record<string, string> } }} Names the short names of outermost variables, which Terser adds to */

/**
 * Shortens the outermost names of minified code, except those of functions and classes, which stack traces show.
 *
 * @param {string} text
 * @param {{ isModule?: boolean, names?: Names | undefined }} [options] names that other files have too
 */
async function shortenNames(text, { isModule = false, names } = {}) {
  const named = /^.{3,}/
  // The names of variables that give one to a function or a class.
  const reserved = [...text.matchAll(/([\w$]{3,})=(?=class\b|(?:async )?(?:function\b|\(|[\w$]+=>))/g)].map(
    ([, name]) => `${name}`,
  )
  const given = names && withoutNamed(names, text)
  const made = await cached(JSON.stringify([text, given]), async () => {
    const nameCache = given && { ...given }
    const { code } = await require('terser').minify(withoutConst(text), {
      module: isModule,
      compress: false,
      mangle: {
        toplevel: true,
        keep_fnames: named,
        keep_classnames: named,
        reserved,
        nth_identifier: { get: shortName },
      },
      // Line breaks replace semicolons: Node prints the line of an error that ends the process.
      format: { ecma: 2020, semicolons: false, max_line_len: 1000 },
      ...(nameCache && { nameCache }),
    })
    return Buffer.from(JSON.stringify({ code, names: nameCache }))
  })
  const result = JSON.parse(made.toString())
  if (names !== undefined) names.vars = { props: { ...names.vars?.props, ...result.names.vars.props } }
  return result.code
}

/**
 * The short names without those of functions and classes of the code, for Terser would give them these: a file that imports a
 * function has it in a variable.
 *
 * @param {Names} names
 * @param {string} code
 * @returns {Names}
 */
function withoutNamed({ vars }, code) {
  const named = new Set([...code.matchAll(/\b(?:function\*? ?|class )([\w$]{3,})/g)].map(([, name]) => `$${name}`))
  return { vars: { props: Object.fromEntries(Object.entries(vars?.props ?? {}).filter(([key]) => !named.has(key))) } }
}

/**
 * Code that declares its constants by `let`, which takes less of the archive. The types have been checked, and V8 reads a variable
 * that no code assigns like a constant.
 *
 * @param {string} code
 */
function withoutConst(code) {
  const source = ts.createSourceFile('code.js', code, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS)
  /** @type {number[]} */
  const found = []
  /** @param {import('typescript-6').Node} node */
  const visit = (node) => {
    if (ts.isVariableDeclarationList(node) && node.flags & ts.NodeFlags.Const) found.push(node.getStart())
    ts.forEachChild(node, visit)
  }
  visit(source)
  const ends = [...found, code.length + 'const'.length]
  return found.reduce(
    (text, at, index) => `${text}let${code.slice(at + 'const'.length, ends[index + 1])}`,
    code.slice(0, ends[0]),
  )
}

const letters = 'etsinroachldupfgmvybwkxTESONARICDzHjMLFPqUBGWVKYJXQZ$_'

/**
 * The short names in their order. It is the same for all files, so that code in two of them has the same names.
 *
 * @param {number} index
 * @returns {string}
 */
function shortName(index) {
  const letter = `${letters[index % letters.length]}`
  return index < letters.length ? letter : shortName(Math.floor(index / letters.length) - 1) + letter
}

/**
 * The tar archive with similar files one after another, so that the compressor finds what they share in its window. Each file is
 * followed by the one that those before it shorten most.
 *
 * @param {Buffer} tar
 */
function sortedArchive(tar) {
  const { files, end } = filesOf(tar)
  const left = new Set(files.map((bytes) => ({ bytes, alone: deflatedBytes(bytes) })))
  let sorted = Buffer.alloc(0)
  while (left.size > 0) {
    const [next] = [...left]
      .map((file) => ({ file, gain: (file.alone - deflatedBytes(file.bytes, sorted)) / Math.sqrt(file.alone) }))
      .sort((one, other) => other.gain - one.gain)
    if (next === undefined) break
    left.delete(next.file)
    sorted = Buffer.concat([sorted, next.file.bytes])
  }
  return Buffer.concat([sorted, end])
}

/**
 * The length of the beginning of a file as DEFLATE has it, after the bytes before it.
 *
 * @param {Buffer} bytes
 * @param {Buffer} [before]
 */
function deflatedBytes(bytes, before) {
  const dictionary = before?.subarray(-windowBytes)
  return deflateRawSync(bytes.subarray(0, windowBytes), dictionary?.length ? { dictionary } : {}).length
}

/** Bytes that DEFLATE refers back to. */
const windowBytes = 32_768

/**
 * The files of a tar archive in the order of their names, with their headers, and its end.
 *
 * @param {Buffer} tar
 */
function filesOf(tar) {
  /** @type {Buffer[]} */
  const files = []
  let at = 0
  while (tar[at] !== 0) {
    const name = tar.toString('latin1', at, tar.indexOf(0, at))
    if (tar.toString('latin1', at + 156, at + 157) !== '0')
      throw new Error(`${name} is not a plain file of the archive.`)
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8)
    const start = at
    at += 512 + 512 * Math.ceil(size / 512)
    files.push(tar.subarray(start, at))
  }
  return { files: files.sort(Buffer.compare), end: tar.subarray(at) }
}

/** @param {Buffer} tar */
function compress(tar) {
  const { gzip } = require('@gfx/zopfli')
  return cached(tar, async () => Buffer.from(await promisify(gzip)(tar, { numiterations: 15 })))
}

/**
 * Returns the earlier result for the same input, script and tools, if there is one, because several checks pack the same files.
 *
 * @param {string | Buffer} input
 * @param {() => Promise<Buffer>} make
 */
async function cached(input, make) {
  const hash = createHash('sha256')
  for (const part of [readFileSync(__filename), readFileSync(join(root, 'package-lock.json')), input]) hash.update(part)
  const file = join(cache, hash.digest('hex'))
  if (existsSync(file)) return readFileSync(file)
  const made = await make()
  mkdirSync(cache, { recursive: true })
  writeFileSync(file, made)
  return made
}

/**
 * @param {string} folder
 * @returns {{ filename: string, unpackedSize: number, entryCount: number }}
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
  pack().then(
    () => console.log(`The archives are in ${output}.`),
    (error) => {
      console.error(error.message)
      process.exitCode = 1
    },
  )
}

module.exports = { pack, packages, stage }
