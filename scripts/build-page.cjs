/**
 * Bundles the playground into one self-contained HTML file, in the folder that @twoway/cli serves and publishes. Its
 * source is the output of `tsc -b`. Does nothing if no part is newer than the file.
 */

const { createHash } = require('node:crypto')
const { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { gzipSync } = require('node:zlib')

const root = join(__dirname, '..')
const playground = join(root, 'packages', 'playground')
const template = join(playground, 'src', 'page.html')
const page = join(root, 'packages', 'cli', 'dist', 'playground.html')
const partsFile = join(playground, 'dist', '.build', 'page-parts.json')

/** The oldest browsers that support the page's style, light-dark() and :has(). */
const browsers = ['chrome123', 'firefox121', 'safari17.5']

/** The limit after gzip, including the fonts and the chart library. */
const mostBytes = 110_000

/** @returns {Promise<void>} */
async function buildPage() {
  if (isUpToDate()) return
  const { build } = require('esbuild')
  const [script, style] = await Promise.all([
    build({ ...options(), entryPoints: [join(playground, 'dist', 'main.js')] }),
    build({ ...options(), entryPoints: [join(playground, 'src', 'page.css')] }),
  ])
  const html = assemble(textOf(script), textOf(style))
  const size = gzipSync(html, { level: 9 }).length
  if (size > mostBytes) {
    throw new Error(`The page has ${size} bytes by gzip, and ${mostBytes} are allowed.`)
  }
  mkdirSync(dirname(page), { recursive: true })
  writeFileSync(join(dirname(page), 'playground.licenses.txt'), licenses())
  writeFileSync(page, html)
  const parts = [script, style].flatMap(({ metafile }) => Object.keys(metafile.inputs))
  writeFileSync(partsFile, JSON.stringify(parts.filter((part) => !part.startsWith('<'))))
}

function options() {
  return {
    bundle: true,
    minify: true,
    write: /** @type {const} */ (false),
    metafile: /** @type {const} */ (true),
    absWorkingDir: root,
    platform: /** @type {const} */ ('browser'),
    format: /** @type {const} */ ('esm'),
    loader: { '.woff2': /** @type {const} */ ('dataurl') },
    target: browsers,
    // The licenses are in a file beside the page.
    legalComments: /** @type {const} */ ('none'),
    logLevel: /** @type {const} */ ('warning'),
  }
}

/** Whether the page exists and none of its parts has changed since. */
function isUpToDate() {
  if (!existsSync(page) || !existsSync(partsFile)) return false
  /** @type {string[]} */
  const parts = JSON.parse(readFileSync(partsFile, 'utf8'))
  const { mtimeMs } = statSync(page)
  return [template, __filename, ...parts.map((part) => join(root, part))].every(
    (part) => existsSync(part) && statSync(part).mtimeMs <= mtimeMs,
  )
}

/**
 * @param {string} script
 * @param {string} style
 */
function assemble(script, style) {
  // An end tag within a string would close the element.
  const safeScript = script.trim().replaceAll('</script', '<\\/script')
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(safeScript)}`,
    `style-src ${hashOf(style.trim())}`,
    'connect-src ws: wss:',
    'font-src data:',
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  /** The empty places of the template and their contents. */
  const parts = [
    ['Policy" content=""', `Policy" content="${policy}"`],
    ['<style></style>', `<style>${style.trim()}</style>`],
    ['<script type="module"></script>', `<script type="module">${safeScript}</script>`],
  ]
  return parts.reduce(
    (html, [place = '', part = '']) => {
      if (!html.includes(place)) throw new Error(`page.html has no ${place}`)
      return html.replace(place, () => part)
    },
    readFileSync(template, 'utf8'),
  )
}

/** The licenses of the bundled packages, which require that they are distributed with the page. */
function licenses() {
  const packages = [
    'preact',
    '@preact/signals',
    '@preact/signals-core',
    'uplot',
    '@fontsource/geist',
    '@fontsource/geist-mono',
  ]
  return packages
    .map((name) => {
      const folder = join(root, 'node_modules', name)
      return `${name}\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}`
    })
    .join('\n\n\n')
}

/** @param {string} text */
function hashOf(text) {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

/** @param {{ outputFiles: readonly { text: string }[] }} result */
function textOf({ outputFiles }) {
  return /** @type {{ text: string }} */ (outputFiles[0]).text
}

module.exports = { buildPage }
