/**
 * Bundles the output of `tsc -b` of packages/ws into one CommonJS file, whose export is the class WebSocket as with ws. The
 * library stays outside. Does nothing if no part is newer than the file.
 */

const { existsSync, readdirSync, statSync } = require('node:fs')
const { join } = require('node:path')

const dist = join(__dirname, '..', 'packages', 'ws', 'dist')
const output = join(dist, 'index.cjs')

async function buildWs() {
  const parts = readdirSync(dist).filter((name) => name.endsWith('.js'))
  const isUpToDate =
    existsSync(output) &&
    [__filename, ...parts.map((part) => join(dist, part))].every(
      (part) => statSync(part).mtimeMs <= statSync(output).mtimeMs,
    )
  if (isUpToDate) return
  await require('esbuild').build({
    entryPoints: [join(dist, 'index.js')],
    outfile: output,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'es2023',
    external: ['twoway/*'],
    // Names for those who read the file as an ES module.
    footer: { js: 'module.exports = module.exports.exported' },
    logLevel: 'warning',
  })
}

module.exports = { buildWs }
