/**
 * Writes the generated pages of the reference, which git does not keep: a page for each entry of the packages from the
 * comments of their declarations, the metrics from their table, and the command line from its own help. Fails if an export has
 * no example (a deprecated one needs none), or if a page written by hand lacks an error code, a close code or an environment variable.
 */

const { spawnSync } = require('node:child_process')
const { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const ts = require('typescript-6')

const root = join(__dirname, '..')
const reference = join(root, 'docs', 'reference')
const library = join(root, 'packages', 'twoway', 'dist', 'entries')

/** @typedef {{ file: string, module: string, declarations: string }} Entry */

/**
 * The public entries: those of the library, and of the packages with brokers and the adapter of Socket.IO. A name is described on the page of the first entry that has it.
 *
 * @type {readonly Entry[]}
 */
const entries = [
  ...Object.keys(exportsIn('twoway'))
    .filter((path) => path !== './package.json')
    .map((path) => path.slice(2) || 'client')
    .map((file) => ({
      file,
      module: file === 'client' ? 'twoway' : `twoway/${file}`,
      declarations: join(library, `${file}.d.ts`),
    })),
  ...readdirSync(join(root, 'packages'))
    .filter((name) => exportsIn(name)['.']?.types === './dist/index.d.ts')
    .flatMap((name) =>
      Object.entries(exportsIn(name)).flatMap(([path, { types }]) => {
        if (types === undefined) return []
        const file = `${name}${path.slice(1).replaceAll(/[/.]/g, '-')}`
        const declarations = join(root, 'packages', name, types)
        return [{ file, module: `@twoway/${name}${path.slice(1)}`, declarations }]
      }),
    )
    // Some export again what another package has as its main entry.
    .sort((one, other) => one.module.split('/').length - other.module.split('/').length),
]

/**
 * @param {string} name
 * @returns {Record<string, { types?: string }>}
 */
function exportsIn(name) {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')).exports ?? {}
}

const program = ts.createProgram(
  entries.map(({ declarations }) => declarations),
  {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2023.d.ts'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
  },
)
const checker = program.getTypeChecker()

/** The page that describes each symbol: that of the first entry which exports it. @type {Map<import('typescript-6').Symbol, string>} */
const described = new Map()
for (const entry of entries) {
  for (const { name, symbol } of exportsOf(entry)) {
    if (!described.has(symbol)) described.set(symbol, `./${entry.file}#${name}`)
  }
}

/**
 * An example of `examples.md`. It belongs to the export of its heading, and shows the exports that its code imports.
 *
 * @typedef {{ heading: string, text: string, shown: Set<import('typescript-6').Symbol> }} Example
 */

/** @type {readonly Example[]} */
const examples = readFileSync(join(reference, 'api', 'examples.md'), 'utf8')
  .split(/^## /m)
  .slice(1)
  .map((part) => {
    const text = part.slice(part.indexOf('\n')).trim()
    return { heading: /^\S+/.exec(part)?.[0] ?? '', text, shown: new Set(importedIn(text)) }
  })

async function writeReference() {
  for (const file of readdirSync(join(reference, 'api'))) {
    if (file !== 'examples.md') rmSync(join(reference, 'api', file))
  }
  const pages = entries.map((entry) => ({ ...entry, text: pageOf(entry) }))
  for (const { file, text } of pages) writeFileSync(join(reference, 'api', `${file}.md`), text)
  writeFileSync(join(reference, 'api', 'index.md'), indexOf())
  mkdirSync(reference, { recursive: true })
  writeFileSync(join(reference, 'metrics.md'), await metricsPage())
  writeFileSync(join(reference, 'command-line.md'), commandLinePage())
  checkPages()
}

/** @param {Entry} entry */
function exportsOf({ declarations }) {
  const source = /** @type {import('typescript-6').SourceFile} */ (program.getSourceFile(declarations))
  const module = /** @type {import('typescript-6').Symbol} */ (checker.getSymbolAtLocation(source))
  return checker
    .getExportsOfModule(module)
    .map((symbol) => ({
      name: symbol.name,
      symbol: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    }))
    .sort((one, other) => order(one.name, other.name))
}

/**
 * Functions before classes, and errors last.
 *
 * @param {string} one
 * @param {string} other
 */
function order(one, other) {
  const rank = (/** @type {string} */ name) => (/Error$/.test(name) ? 2 : /^[A-Z]/.test(name) ? 1 : 0)
  return rank(one) - rank(other) || (one < other ? -1 : 1)
}

/** The exports of our entries that the code of an example imports. @param {string} code */
function importedIn(code) {
  return [...code.matchAll(/^import (?:type )?\{([^}]*)\} from '([^']+)'/gm)].flatMap(([, list = '', module]) => {
    const entry = entries.find((each) => each.module === module)
    if (entry === undefined) return []
    const names = list.split(',').map((name) => name.trim().replace(/^type /, ''))
    return exportsOf(entry)
      .filter(({ name }) => names.includes(name))
      .map(({ symbol }) => symbol)
  })
}

/**
 * The example of an export: the one with its name as the heading, or the first one that imports it.
 *
 * @param {string} name
 * @param {import('typescript-6').Symbol} symbol
 */
function exampleOf(name, symbol) {
  const showing = examples.filter(({ shown }) => shown.has(symbol))
  return showing.find(({ heading }) => heading === name) ?? showing[0]
}

/** The export of the heading of an example. @param {Example} example */
function ownerOf({ heading, shown }) {
  return [...shown].find((symbol) => described.get(symbol)?.endsWith(`#${heading}`))
}

/** @param {import('typescript-6').Symbol} symbol */
const isValue = (symbol) => (symbol.flags & ts.SymbolFlags.Value) !== 0

/** @param {Entry} entry */
function pageOf(entry) {
  const isOwn = (/** @type {import('typescript-6').Symbol} */ symbol) =>
    described.get(symbol)?.startsWith(`./${entry.file}#`) === true
  const all = exportsOf(entry).filter(({ symbol }) => isOwn(symbol))
  const repeated = exportsOf(entry).filter(({ symbol }) => !isOwn(symbol))
  const values = all.filter(({ symbol }) => isValue(symbol))
  const types = all.filter(({ symbol }) => !isValue(symbol))
  /** @param {typeof all} some */
  const sections = (some) => some.map(({ name, symbol }) => sectionOf(name, symbol)).join('\n')
  const links = repeated.map(({ name, symbol }) => `[\`${name}\`](${described.get(symbol)})`)
  return [
    '---\noutline: [2, 3]\neditLink: false\n---\n',
    `# ${entry.module}\n`,
    values.length > 0 ? `## Functions and classes\n\n${sections(values)}` : '',
    types.length > 0 ? `## Types\n\n${sections(types)}` : '',
    links.length > 0 ? `## Also exported\n\nThis entry also exports ${links.join(', ')}.\n` : '',
  ].join('\n')
}

/**
 * @param {string} name
 * @param {import('typescript-6').Symbol} symbol
 */
function sectionOf(name, symbol) {
  return [
    `### ${name} {#${name}}\n`,
    documentation(symbol),
    ...(symbol.declarations ?? []).map((declaration) => declared(declaration)),
    exampleText(name, symbol),
  ]
    .filter((part) => part !== '')
    .join('\n')
}

/**
 * The example itself on the page of the export that it belongs to, and a link for the others.
 *
 * @param {string} name
 * @param {import('typescript-6').Symbol} symbol
 */
function exampleText(name, symbol) {
  const example = exampleOf(name, symbol)
  if (example === undefined) return ''
  const owner = ownerOf(example)
  if (owner === symbol || owner === undefined) return `**Example**\n\n${example.text}\n`
  return `**Example**: see [\`${example.heading}\`](${described.get(owner)}).\n`
}

/** The text of a comment, with its tags in words. @param {import('typescript-6').Symbol} symbol */
function documentation(symbol) {
  const text = escaped(ts.displayPartsToString(symbol.getDocumentationComment(checker)))
  const tags = symbol.getJsDocTags(checker).map(({ name, text: parts }) => {
    const value = escaped(ts.displayPartsToString(parts)).trim()
    if (name === 'default') return `Default: ${value.includes('`') || /\s/.test(value) ? value : `\`${value}\``}.`
    if (name === 'deprecated') return `**Deprecated.** ${value}`
    if (name === 'throws') return `Throws ${value}`
    if (name === 'see') return `See ${value}.`
    return value
  })
  return [text, ...tags]
    .filter((part) => part !== '')
    .map((part) => `${part}\n`)
    .join('\n')
}

/** Escapes text that Markdown and Vue would read as a tag or a value. Code stays as it is. @param {string} text */
function escaped(text) {
  return text
    .split(/(`[^`]*`)/)
    .map((part, index) =>
      index % 2 === 1 ? part : part.replaceAll('<', '&lt;').replaceAll('{{', '&#123;&#123;').replaceAll('*', '\\*'),
    )
    .join('')
}

/** @param {import('typescript-6').Declaration} declaration */
function declared(declaration) {
  if (ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration)) {
    const { name, typeParameters, heritageClauses } = declaration
    const kind = ts.isClassDeclaration(declaration) ? 'class' : 'interface'
    const parameters = typeParameters ? `<${typeParameters.map((each) => plain(each)).join(', ')}>` : ''
    const heritage = (heritageClauses ?? []).map((clause) => ` ${plain(clause)}`).join('')
    const head = code(`${kind} ${name?.text}${parameters}${heritage}`)
    return [head, ...membersOf(declaration)].join('\n')
  }
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
  const text = plain(node)
    .replace(/^export /, '')
    .replace(/^declare /, '')
  const type = ts.isVariableDeclaration(declaration) ? declaration.type : undefined
  const members = type !== undefined && ts.isTypeLiteralNode(type) ? membersOf(type) : []
  const alias = ts.isTypeAliasDeclaration(declaration) && ts.isTypeLiteralNode(declaration.type)
  return [code(text), ...members, ...(alias ? membersOf(/** @type {any} */ (declaration).type) : [])].join('\n')
}

/**
 * A line for each public member: its declaration and its comment.
 *
 * @param {import('typescript-6').InterfaceDeclaration | import('typescript-6').ClassDeclaration | import('typescript-6').TypeLiteralNode} declaration
 */
function membersOf({ members }) {
  const lines = members.flatMap((member) => {
    if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return []
    const modifiers = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : []
    if (modifiers.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword))
      return []
    const symbol = /** @type {{ symbol?: import('typescript-6').Symbol }} */ (/** @type {unknown} */ (member)).symbol
    const text = plain(member)
      .replace(/;$/, '')
      .replace(/^readonly /, '')
      .replace(/\s*\n\s*/g, ' ')
    const tick = text.includes('`') ? '``' : '`'
    const words = symbol === undefined ? '' : documentation(symbol).trim().replace(/\n/g, '\n  ')
    return [`- ${tick}${text}${tick}${words === '' ? '' : `\n\n  ${words}`}`]
  })
  return lines.length > 0 ? [`${lines.join('\n')}\n`] : []
}

const printer = ts.createPrinter({ removeComments: true })

/** The text of a node without comments. @param {import('typescript-6').Node} node */
function plain(node) {
  return printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
}

/** @param {string} text */
const code = (text) => `\`\`\`ts\n${text}\n\`\`\`\n`

function indexOf() {
  const rows = entries.map((entry) => {
    const names = exportsOf(entry).filter(({ symbol }) => isValue(symbol))
    const links = names.map(({ name, symbol }) => `[\`${name}\`](${described.get(symbol)})`)
    return `| [\`${entry.module}\`](./${entry.file}) | ${links.join(', ')} |`
  })
  return [
    '# API\n',
    'Each entry has a page with all its exports. Types are on the page of their entry.\n',
    '| entry | functions and classes |\n|---|---|',
    ...rows,
    '',
    '`@twoway/ws` has the exports of `ws`: [its differences](../../how-to/ws.md).\n',
  ].join('\n')
}

async function metricsPage() {
  const { prometheus } = await import(pathToFileURL(join(library, 'metrics.js')).href)
  const { MemoryNetwork } = await import(pathToFileURL(join(library, 'memory.js')).href)
  const server = await new MemoryNetwork().serve({ port: 80 })
  const text = /** @type {string} */ (prometheus(server.metrics()))
  await server.close()
  const rows = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)/gm)].map(
    ([, name, help, type]) => `| \`${name}\` | ${type} | ${escaped(help ?? '')} |`,
  )
  if (rows.length < 20) throw new Error('The exposition has too few metrics: has its form changed?')
  return [
    '# Metrics and channels\n',
    'A server has these metrics for Prometheus: `prometheus(server.metrics())` of `twoway/metrics`, or `/metrics` of `twoway echo` and of the option `admin`. [Metrics, events and logs](../how-to/observability.md) describes the fields of `metrics()`, their labels, and the channels of `node:diagnostics_channel`.\n',
    '| metric | type | meaning |\n|---|---|---|',
    ...rows,
    '',
    '## Fields of `metrics()`\n',
    ...tablesOf('server.metrics()'),
    '## Channels\n',
    ...tablesOf('Channels'),
    'A client publishes on `twoway:connect`. [Traces](../how-to/observability.md#traces) have channels of their own.\n',
  ].join('\n')
}

/** The tables of a section of the guide, which a test compares with the code. @param {string} heading */
function tablesOf(heading) {
  const guide = readFileSync(join(root, 'docs', 'how-to', 'observability.md'), 'utf8')
  const start = guide.indexOf(`\n## ${heading}\n`)
  const section = guide.slice(start + 1, guide.indexOf('\n## ', start + 1))
  const tables = [...section.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) =>
    table.replaceAll('](#', '](../how-to/observability.md#').replaceAll(/\]\((?![.#])/g, '](../how-to/'),
  )
  if (start === -1 || tables.length === 0)
    throw new Error(`docs/how-to/observability.md has no table under "${heading}"`)
  return tables
}

function commandLinePage() {
  const commands = ['echo', 'connect', 'listen', 'bench']
  return [
    '# Command line\n',
    'This page has the output of `--help` of each command of `@twoway/cli`. [Debug with the command line](../how-to/command-line.md) shows their use.\n',
    ...[[], ...commands.map((name) => [name])].map((args) => {
      const main = join(root, 'packages', 'cli', 'bin', 'twoway.js')
      const { status, stdout } = spawnSync(process.execPath, [main, ...args, '--help'], {
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1', COLUMNS: '80' },
      })
      if (status !== 0) throw new Error(`twoway ${args.join(' ')} --help ended with ${status}`)
      return `## ${['twoway', ...args].join(' ')}\n\n\`\`\`text\n${stdout.trim()}\n\`\`\`\n`
    }),
  ].join('\n')
}

/** Fails if a page written by hand lacks what it must have. */
function checkPages() {
  const errors = readFileSync(join(reference, 'errors.md'), 'utf8')
  const missing = [...errorCodes(), ...closeCodes()].filter((code) => !errors.includes(`\`${code}\``))
  const environment = readFileSync(join(reference, 'environment.md'), 'utf8')
  missing.push(...variables().filter((name) => !environment.includes(`\`${name}\``)))
  if (missing.length > 0) throw new Error(`The reference lacks ${missing.join(', ')}.`)
  const all = entries.flatMap(({ module, ...entry }) =>
    exportsOf({ module, ...entry }).map((each) => ({ module, ...each })),
  )
  const isDeprecated = (/** @type {import('typescript-6').Symbol} */ symbol) =>
    symbol.getJsDocTags(checker).some(({ name }) => name === 'deprecated')
  const without = all.filter(({ name, symbol }) => exampleOf(name, symbol) === undefined && !isDeprecated(symbol))
  if (without.length > 0) {
    const names = without.map(({ module, name }) => `${name} of ${module}`)
    throw new Error(`There is no example in docs/reference/api/examples.md of ${names.join(', ')}.`)
  }
  const unknown = examples.filter((example) => ownerOf(example) === undefined)
  if (unknown.length > 0) {
    throw new Error(
      `Examples do not import the export of their heading: ${unknown.map(({ heading }) => heading).join(', ')}.`,
    )
  }
}

/** The values of `code` of all classes of errors. */
function errorCodes() {
  return entries.flatMap((entry) =>
    exportsOf(entry)
      .filter(({ name, symbol }) => isValue(symbol) && /Error$/.test(name))
      .flatMap(({ symbol }) => {
        const declaration = /** @type {import('typescript-6').Declaration} */ (symbol.valueDeclaration)
        const code = checker.getDeclaredTypeOfSymbol(symbol).getProperty('code')
        if (code === undefined) return []
        const type = checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(code, declaration))
        return (type.isUnion() ? type.types : [type]).flatMap((each) => (each.isStringLiteral() ? [each.value] : []))
      }),
  )
}

function closeCodes() {
  const source = readFileSync(join(root, 'packages', 'twoway', 'src', 'core', 'closing', 'close-code.ts'), 'utf8')
  return [...source.matchAll(/^ {2}(\d{4}): \{/gm)].map(([, code]) => /** @type {string} */ (code))
}

/** The environment variables of our own that the packages read. */
function variables() {
  /** @type {Set<string>} */
  const names = new Set()
  for (const name of ['twoway', 'cli', 'ws', 'redis', 'nats', 'socket-io']) {
    const folder = join(root, 'packages', name, 'src')
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!/(?<!\.test)\.ts$/.test(file)) continue
      const text = readFileSync(join(folder, file), 'utf8')
      for (const [variable] of text.matchAll(/\bTWOWAY_[A-Z_]+\b/g)) names.add(variable)
    }
  }
  return [...names]
}

writeReference().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
