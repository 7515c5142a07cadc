import { UsageError } from '../errors.js'
import { quoted, shown } from '../printable.js'
import type { OptionTable, SettingsOf } from './option.js'

/** The function or the option that takes the options of a table. */
export interface OptionsOwner {
  /** Such as `serve()`. */
  readonly name: string
  /** Put before the name of an option in errors, such as `perMessageDeflate.`. */
  readonly prefix?: string
  /** Added to the error about an unknown option. */
  readonly hint?: string
  /** Advice for options that only other libraries have: a sentence for each name. */
  readonly foreignOptions?: Readonly<Record<string, string>>
}

/**
 * Checks options by their table and adds the defaults. A UsageError 'optionInvalid' names the first option that is
 * unknown, or else the first of the table whose value is wrong.
 *
 * Arrays are walked by their indices: a page may have replaced their iterator.
 */
export function settleOptions<Table extends OptionTable>(
  options: object,
  table: Table,
  owner: OptionsOwner,
): SettingsOf<Table> {
  if (typeof options !== 'object' || options === null) {
    throw new UsageError('optionInvalid', `the options of ${owner.name} must be an object, not ${shown(options)}`)
  }
  Object.keys(options).forEach((name) => {
    if (!Object.hasOwn(table, name)) throw unknownOption(name, table, owner)
  })
  const settings: Record<string, unknown> = {}
  Object.keys(table).forEach((name) => {
    const value = (options as Readonly<Record<string, unknown>>)[name]
    const row = table[name]!
    if (value !== undefined && !row.check.accepts(value)) throw wrongOption(name, value, table, owner)
    settings[name] = value === undefined ? row.default : value
  })
  return settings as SettingsOf<Table>
}

/** The error about a value that its check refuses. */
export function wrongOption(name: string, value: unknown, table: OptionTable, owner: OptionsOwner): UsageError {
  const { check, default: byDefault } = table[name]!
  const { element } = check
  const wrong = Array.isArray(value) ? value.find((each) => element?.accepts(each) === false) : undefined
  const correct = element?.correct?.(wrong)
  const without = isPlain(byDefault) ? `leave it out for the default, ${shown(byDefault)}` : 'leave it out'
  const remedy = correct === undefined ? `correct it, or ${without}` : `write ${shown(correct)}`
  const found =
    check.isSecret === true ? '' : `, not ${shown(value)}${wrong === undefined ? '' : ` with ${shown(wrong)}`}`
  return new UsageError(
    'optionInvalid',
    `the option ${owner.prefix ?? ''}${name} must be ${check.expected}${found}: ${remedy}`,
  )
}

function unknownOption(name: string, table: OptionTable, owner: OptionsOwner): UsageError {
  const advice = foreignAdvice(name, owner)
  if (advice !== undefined) {
    return new UsageError('optionInvalid', `there is no option "${quoted(name)}" of ${owner.name}: ${advice}`)
  }
  const known = Object.keys(table)
  const closest = closestOf(name, known)
  const remedy = closest === undefined ? `the options are ${known.join(', ')}` : `did you mean ${closest}?`
  const hint = owner.hint === undefined ? '' : `${closest === undefined ? '. ' : ' '}${owner.hint}`
  return new UsageError('optionInvalid', `there is no option "${quoted(name)}" of ${owner.name}: ${remedy}${hint}`)
}

function foreignAdvice(name: string, { foreignOptions = {} }: OptionsOwner): string | undefined {
  return Object.hasOwn(foreignOptions, name) ? foreignOptions[name] : undefined
}

/** The name that differs from the unknown one by the fewest edits; undefined where that is more than two in five letters. */
function closestOf(unknown: string, known: readonly string[]): string | undefined {
  const sought = stem(unknown)
  if (sought.length > longestCompared) return undefined
  let fewest = Math.floor((sought.length * 2) / 5) + 1
  let closest: string | undefined
  known.forEach((name) => {
    const edits = editsBetween(sought, stem(name))
    if (edits >= fewest) return
    fewest = edits
    closest = name
  })
  return closest
}

/** Names beyond this length are not compared: no option has one, and the comparison takes its square. */
const longestCompared = 40

/** The name without its unit and in lower case: other libraries call `idleTimeoutMs` `idleTimeout`. */
function stem(name: string): string {
  return name.replace(/(?:Bytes|Ms)$/, '').toLowerCase()
}

/** The Levenshtein distance. */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let at = 1; at <= one.length; at++) {
    const next = [at]
    for (let otherAt = 1; otherAt <= other.length; otherAt++) {
      const replaced = row[otherAt - 1]! + (one[at - 1] === other[otherAt - 1] ? 0 : 1)
      next[otherAt] = Math.min(replaced, row[otherAt]! + 1, next[otherAt - 1]! + 1)
    }
    row = next
  }
  return row[other.length]!
}

function isPlain(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}
