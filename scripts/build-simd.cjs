const { createHash } = require('node:crypto')
const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

/** Pages of 64 KiB. Memory that grows would leave Node's view of it empty, so the first is the last. */
const pages = 5

/**
 * Compiles packages/twoway/assembly/simd.ts into a module that holds the octets of the WebAssembly, so that nothing
 * has to be fetched when it runs. Does nothing where that is up to date.
 * @param {string} root
 */
async function buildSimd(root) {
  const source = 'packages/twoway/assembly/simd.ts'
  const target = join(root, 'packages/twoway/src/runtimes/node/simd-module.ts')
  const hash = createHash('sha256')
  for (const file of [join(root, source), __filename]) hash.update(readFileSync(file))
  const stamp = `// Compiled from ${source}, ${hash.digest('hex').slice(0, 16)}\n`
  if (existsSync(target) && readFileSync(target, 'utf8').startsWith(stamp)) return

  const { main } = await import(pathToFileURL(join(root, 'node_modules', 'assemblyscript', 'dist', 'asc.js')).href)
  const flags = ['--enable', 'simd', '--runtime', 'stub', '--noAssert', '-O3', '--importMemory', '--noExportMemory']
  const memory = ['--initialMemory', String(pages), '--maximumMemory', String(pages)]
  const files = new Map()
  const { error, stderr } = await main([source, ...flags, ...memory, '--outFile', 'simd.wasm'], {
    readFile: (/** @type {string} */ name) =>
      existsSync(join(root, name)) ? readFileSync(join(root, name), 'utf8') : null,
    writeFile: (/** @type {string} */ name, /** @type {Uint8Array} */ contents) => files.set(name, contents),
    listFiles: () => [],
  })
  if (error) throw new Error(`AssemblyScript does not compile ${source}: ${error.message}\n${stderr}`)
  const octets = Buffer.from(files.get('simd.wasm')).toString('base64')
  writeFileSync(
    target,
    `${stamp}\n/** Pages of 64 KiB in the memory that the module takes. */\nexport const simdPages = ${pages}\n\n` +
      `/** The WebAssembly module, in base64. */\nexport const simdModule =\n  '${octets}'\n`,
  )
}

module.exports = { buildSimd }
