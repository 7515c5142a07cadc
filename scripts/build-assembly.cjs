const { createHash } = require('node:crypto')
const { existsSync, readdirSync, readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

/** Pages of 64 KiB. Growing memory detaches Node's view of it, so the initial size is final. */
const modules = [
  { name: 'simd', source: 'simd.ts', target: 'payload/simd-module.ts', pages: 5 },
  { name: 'deflate', source: 'deflate.ts', target: 'deflate/deflate-module.ts', pages: 1 },
]

/** The address of a module's constants: in its last page, above the memory that the module lays out itself. */
const constantsBytes = 64

/**
 * Compiles each module of packages/twoway/assembly into a file that contains the bytes of the WebAssembly, so that nothing
 * has to be loaded at run time. Does nothing if the modules are up to date.
 * @param {string} root
 */
async function buildAssembly(root) {
  for (const each of modules) await compile(root, each)
}

/**
 * @param {string} root
 * @param {typeof modules[number]} module
 */
async function compile(root, { name, source: file, target: to, pages }) {
  const folder = 'packages/twoway/assembly'
  const source = `${folder}/${file}`
  const target = join(root, 'packages/twoway/src/runtimes/node', to)
  const hash = createHash('sha256')
  // All files of the folder, as one may import another.
  const inputs = readdirSync(join(root, folder)).sort()
  for (const path of [...inputs.map((each) => join(root, folder, each)), __filename]) hash.update(readFileSync(path))
  const stamp = `// Compiled from ${source}, ${hash.digest('hex').slice(0, 16)}\n`
  if (existsSync(target) && readFileSync(target, 'utf8').startsWith(stamp)) return

  const { main } = await import(pathToFileURL(join(root, 'node_modules', 'assemblyscript', 'dist', 'asc.js')).href)
  const flags = ['--enable', 'simd', '--runtime', 'stub', '--noAssert', '-O3', '--importMemory', '--noExportMemory']
  const memory = ['--initialMemory', String(pages), '--maximumMemory', String(pages)]
  const constants = ['--memoryBase', String((pages << 16) - constantsBytes)]
  const files = new Map()
  const { error, stderr } = await main([source, ...flags, ...memory, ...constants, '--outFile', 'module.wasm'], {
    readFile: (/** @type {string} */ path) =>
      existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : null,
    writeFile: (/** @type {string} */ path, /** @type {Uint8Array} */ contents) => files.set(path, contents),
    listFiles: () => [],
  })
  if (error) throw new Error(`AssemblyScript does not compile ${source}: ${error.message}\n${stderr}`)
  const bytes = Buffer.from(files.get('module.wasm')).toString('hex')
  writeFileSync(
    target,
    `${stamp}\n/** Pages of 64 KiB in the memory that the module takes. */\nexport const ${name}Pages = ${pages}\n\n` +
      `/** The WebAssembly module, in hexadecimal: gzip finds what repeats in it, which base64 hides. */\nexport const ${name}Module =\n  '${bytes}'\n`,
  )
}

module.exports = { buildAssembly }
