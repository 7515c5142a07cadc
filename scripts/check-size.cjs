/**
 * `npm run check:size`: the size of the client in a page: bundled for a browser, minified, and compressed by gzip.
 * Fails if that exceeds a limit, or if the bundle needs a module of Node.
 */

const { join } = require('node:path')
const { gzipSync } = require('node:zlib')
const { build } = require('esbuild')

const bundles = [
  { from: 'twoway', names: 'WebSocket', limit: 1000 },
  { from: 'twoway', names: 'WebSocket, WebSocketStream, WebSocketError', limit: 4000 },
  { from: 'twoway/link', names: 'Link', limit: 5000 },
]

/** A bundler that targets browsers uses the condition `browser`, any other uses `default`. */
const platforms = /** @type {const} */ (['browser', 'neutral'])

async function checkSize() {
  for (const platform of platforms) {
    for (const { from, names, limit } of bundles) {
      const size = await measure(from, names, platform)
      const isTooLong = size > limit
      console.log(
        `${isTooLong ? 'Too long: ' : ''}${names}, ${platform}: ${size} bytes by gzip, at most ${limit} are allowed.`,
      )
      if (isTooLong) process.exitCode = 1
    }
  }
}

/**
 * @param {string} from
 * @param {string} names
 * @param {'browser' | 'neutral'} platform
 */
async function measure(from, names, platform) {
  const { outputFiles } = await build({
    // A page that uses only the names: the bundler drops unused code.
    stdin: {
      contents: `import { ${names} } from '${from}'\nglobalThis.used = [${names}]`,
      resolveDir: join(__dirname, '..', 'test'),
    },
    bundle: true,
    minify: true,
    format: 'esm',
    platform,
    write: false,
    // Rejects with the modules that cannot be resolved, for example node:net.
    logLevel: 'error',
  })
  return gzipSync(/** @type {import('esbuild').OutputFile} */ (outputFiles[0]).contents, { level: 9 }).length
}

checkSize().catch(() => {
  process.exitCode = 1
})
