/**
 * `npm run check:links`: checks that each link within the documents, and each link of the built site, leads somewhere: to a file,
 * a page, a heading. Addresses of other sites are not visited. It also finds paths of documents in the sources that do not exist.
 */

const { spawnSync } = require('node:child_process')
const { existsSync, readdirSync, readFileSync, statSync } = require('node:fs')
const { dirname, join, posix, relative } = require('node:path')

const root = join(__dirname, '..')
const site = join(root, 'docs', '.vitepress', 'dist')

/** @type {string[]} */
const faults = []

function checkLinks() {
  const { stdout } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  const files = stdout.split('\n').filter((file) => file !== '' && existsSync(join(root, file)))
  if (!files.includes('README.md')) throw new Error('git lists no documents.')
  for (const file of files.filter((each) => each.endsWith('.md'))) checkDocument(file)
  for (const file of files.filter((each) => /\.(?:[cm]?[jt]sx?|jsonc|yaml)$/.test(each))) checkMentions(file)
  if (existsSync(site)) checkSite()
  else console.log('The site is not built: npm run docs builds it.')
  if (faults.length > 0) throw new Error([...new Set(faults)].join('\n'))
}

/** The pages of the site alone, which scripts/docs-reference.cjs writes: GitHub does not show them. @param {string} path */
const isGenerated = (path) => /^docs\/reference\/(?:api\/.*|metrics|command-line)(?:\.md)?$/.test(path)

/** @param {string} file */
function checkDocument(file) {
  const source = readFileSync(join(root, file), 'utf8')
  for (const [, path = ''] of source.matchAll(/`((?:test|scripts|packages|examples|bench)\/[\w/.-]+\.[a-z]+)`/g)) {
    if (!existsSync(join(root, path))) faults.push(`${file}: there is no ${path}`)
  }
  const text = withoutCode(source)
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/(?:src|srcset|href)="([^"]+)"/g)]
  for (const [, link = ''] of links) {
    if (/^[a-z]+:/i.test(link) || (file.startsWith('docs/') && link.startsWith('/'))) continue
    const [path = '', heading] = link.split('#')
    const target = path === '' ? file : posix.join(posix.dirname(file), decodeURIComponent(path))
    if (isGenerated(target) || !existsSync(join(root, target))) faults.push(`${file}: there is no ${link}`)
    else if (heading !== undefined && target.endsWith('.md') && !headingsOf(target).has(heading)) {
      faults.push(`${file}: there is no heading ${link}`)
    }
  }
}

/** @param {string} file */
function checkMentions(file) {
  for (const [path] of readFileSync(join(root, file), 'utf8').matchAll(/(?<![\w/.-])docs\/[\w/.-]+\.md\b/g)) {
    if (!existsSync(join(root, path)) && !isGenerated(path)) faults.push(`${file}: there is no ${path}`)
  }
}

/** The anchors of a document as GitHub makes them. @param {string} file */
function headingsOf(file) {
  const text = withoutCode(readFileSync(join(root, file), 'utf8'))
  return new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => {
      const named = /\{#([^}]+)\}/.exec(heading)?.[1]
      return (
        named ??
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
          .replaceAll(' ', '-')
      )
    }),
  )
}

/** @param {string} text */
const withoutCode = (text) =>
  text
    .replaceAll(/^```.*?^```/gms, '')
    .replaceAll(/(?<!`)``?[^`\n]+`{1,2}(?!`)/g, (code) => code.replaceAll(/[[\]()]/g, ''))

function checkSite() {
  const pages = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'))
  const anchors = new Map(
    pages.map((file) => [
      file.replaceAll('\\', '/'),
      new Set([...readFileSync(join(site, file), 'utf8').matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)),
    ]),
  )
  for (const page of anchors.keys()) {
    const text = readFileSync(join(site, page), 'utf8').replaceAll(/<script\b.*?<\/script>/gs, '')
    for (const [, element, link = ''] of text.matchAll(/<(\w+)[^>]*? (?:href|src)="([^"]+)"/g)) {
      if (/^(?:https?|data|mailto):/.test(link)) {
        // A link to a file of the repository is followed by the reader only.
        if (element !== 'a' && /\.(?:js|css|woff2?)\b/.test(link))
          faults.push(`${page}: ${link} comes from the network`)
        continue
      }
      const [path = '', heading] = link.split('#')
      const target = path === '' ? page : pageOf(join(site, path.startsWith('/') ? '' : dirname(page), path))
      if (target === undefined) faults.push(`${page}: there is no ${link}`)
      else if (heading && anchors.has(target) && !anchors.get(target)?.has(decodeURIComponent(heading))) {
        faults.push(`${page}: there is no heading ${link}`)
      }
    }
  }
  console.log(`${pages.length} pages of the site are checked.`)
}

/** The file of a path of the site. @param {string} path */
function pageOf(path) {
  const found = [path, `${path}.html`, join(path, 'index.html')].find((file) =>
    statSync(file, { throwIfNoEntry: false })?.isFile(),
  )
  return found === undefined ? undefined : relative(site, found).replaceAll('\\', '/')
}

try {
  checkLinks()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
