import { readFileSync, writeFileSync } from 'node:fs'
import { type DocumentedOption, type DocumentedOptions, readOptions } from './documented-options.js'
import { type OptionGroup, optionGroups, optionInterfaces } from './option-groups.js'
import { libraries } from './other-libraries.js'

const page = new URL('../../../../docs/reference/options.md', import.meta.url)

const introduction = `# Options

This page lists every option with its type, its default, and the effect of its limit. \`npm run docs:options\` writes it from the
tables that check the options, and from the comments that editors show.

A value that an option does not accept causes a UsageError, which names the value and the expected ones. An unknown option causes
one too, which names the closest option, or all of them if none is close. \`undefined\` is the same as no value. A link checks
fewer options: see [its guide](../how-to/hub.md#the-link). It throws a TypeError for these, as \`redisBroker\` and \`natsBroker\` do.

The columns about other libraries follow their documentation and [Safe by default](../explanation/safety.md). An empty cell means that we do not know.
`

/** Reads the documentation of all options from the declarations of the package. */
export function readAllOptions(): ReadonlyMap<string, DocumentedOptions> {
  return readOptions(Object.fromEntries(Object.entries(optionInterfaces).map(([name, { entry }]) => [name, entry])))
}

export function readPage(): string {
  return readFileSync(page, 'utf8')
}

export function writePage(): void {
  writeFileSync(page, renderPage(readAllOptions()))
}

/** The text of docs/reference/options.md. */
export function renderPage(documentation: ReadonlyMap<string, DocumentedOptions>): string {
  const sections = optionGroups.map((group) => renderGroup(group, documentation.get(group.from)!))
  return [introduction, ...sections].join('\n')
}

function renderGroup(group: OptionGroup, documentation: DocumentedOptions): string {
  const names = Object.keys(group.options)
  const options = names.map((name) => documentation.get(name)!)
  const hasUnits = names.some((name) => group.options[name]!.check.unit !== undefined)
  const hasDefaults = options.some((option) => option.default !== undefined)
  const hasLimits = options.some((option) => option.limit !== undefined)
  const columns: readonly (readonly [head: string, cell: (option: DocumentedOption) => string])[] = [
    ['option', ({ name }) => code(name)],
    ['type', ({ type }) => code(type)],
    ...(hasUnits ? [['unit', ({ name }: DocumentedOption) => group.options[name]!.check.unit ?? ''] as const] : []),
    ...(hasDefaults ? [['default', (option: DocumentedOption) => renderDefault(option.default)] as const] : []),
    ['meaning', ({ description, remarks }) => [description, remarks].filter(Boolean).join(' ')],
    ...(hasLimits ? [['at the limit', (option: DocumentedOption) => option.limit ?? ''] as const] : []),
  ]
  const rows = options.map((option) => columns.map(([, cell]) => cell(option)))
  const parts = [
    `## ${group.title}\n`,
    `${group.introduction}\n`,
    renderTable(
      columns.map(([head]) => head),
      rows,
    ),
  ]
  const compared = names.filter((name) => group.others?.[name] !== undefined)
  if (compared.length > 0) {
    const others = compared.map((name) => [code(name), ...group.others![name]!])
    parts.push('Other libraries:\n', renderTable(['option', ...libraries], others))
  }
  return parts.join('\n')
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`
}

/** `1_024 (1 KiB)` has its value set as code. */
function renderDefault(text: string | undefined): string {
  if (text === undefined) return ''
  const literal = literalOf(text)
  return literal === undefined ? text : `${code(literal)}${text.slice(literal.length)}`
}

/** The literal that the text of a `@default` begins with; undefined for a default in words. */
export function literalOf(text: string): string | undefined {
  return /^('[^']*'|\[[^\]]*\]|[\d_]+|Infinity|true|false)(?: \(.*\))?$/.exec(text)?.[1]
}

function code(text: string): string {
  return `\`${text}\``
}
