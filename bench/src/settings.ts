import process from 'node:process'
import { Command, InvalidArgumentError } from 'commander'
import { runtimes } from 'twoway-test/runtimes/runtimes'
import { isTwoway } from './published-packages.js'
import { earlierTwoway, type Rival, rivals } from './rival.js'
import { type Row, rows } from './row.js'

/** The settings of a run. */
export interface Settings {
  readonly rows: readonly Row[]
  readonly rivals: readonly Rival[]
  readonly nodes: readonly number[]
  readonly rounds: number
  readonly warmUpMs: number
  readonly measureMs: number
  readonly json: boolean
  /** Whether docs/explanation/benchmarks.md is written. */
  readonly write: boolean
}

interface Given {
  readonly rows?: Row[]
  readonly rivals?: Rival[]
  readonly node?: number[]
  readonly before?: Rival
  readonly rounds?: number
  readonly seconds?: number
  readonly quick?: true
  readonly json?: true
  readonly write?: true
}

const ownNode = Number.parseInt(process.versions.node, 10)
const knownNodes = new Set([
  ownNode,
  ...runtimes.flatMap(({ name }) => (name.startsWith('Node ') ? [Number(name.slice(5))] : [])),
])

/** Reads the command line; ends the process with a sentence if an argument is invalid. */
export function readSettings(args: readonly string[]): Settings {
  const command = new Command('npm run bench --')
    .description('Measures Twoway beside its rivals, and prints medians and ratios.')
    .option('--rows <ids>', `which kinds of work, by commas: ${idsOf(rows)}`, chosenOf('row', rows))
    .option('--rivals <ids>', `who is measured, by commas: ${idsOf(rivals)}`, chosenOf('rival', rivals))
    .option('--before <folder>', 'also measure the Twoway of this package, as npm installs it', earlierPackage)
    .option('--node <versions>', `on which versions of Node, by commas: ${[...knownNodes].join(', ')}`, nodesOf)
    .option('--rounds <number>', 'how often each is measured, 3 by default', wholeNumber)
    .option('--seconds <number>', 'how long each is measured, 2 by default', positiveNumber)
    .option('--quick', 'one round of half a second: for a first look')
    .option('--json', 'print the results as JSON')
    .option('--write', 'write docs/explanation/benchmarks.md, as a run of everything does')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', () => `\nRows:\n${listOf(rows.map(({ id, title }) => [id, title]))}`)
    .addHelpText(
      'after',
      () => `\nRivals:\n${listOf(rivals.map(({ id, name, runsOn }) => [id, nameOn(name, runsOn)]))}`,
    )
    .allowExcessArguments(false)
  const given = command.parse([...args], { from: 'user' }).opts<Given>()
  const { quick = false, rounds = quick ? 1 : 3, seconds = quick ? 0.5 : 2, before } = given
  const chosen = given.rivals ?? rivals
  if (before !== undefined && given.write === true)
    command.error('error: --write takes no --before: the page has no earlier Twoway')
  return {
    rows: given.rows ?? rows,
    rivals: before === undefined ? chosen : [...chosen, before],
    nodes: given.node ?? [ownNode],
    rounds,
    warmUpMs: quick ? 300 : 1000,
    measureMs: 1000 * seconds,
    json: given.json === true,
    write:
      given.write === true ||
      (!quick && given.rows === undefined && given.rivals === undefined && before === undefined),
  }
}

/** A runtime's own implementation has the name of the runtime. */
function nameOn(name: string, runtime: string): string {
  return name.startsWith(runtime) ? `${runtime}'s own` : `${name} on ${runtime}`
}

function listOf(items: readonly (readonly [id: string, text: string])[]): string {
  const width = Math.max(...items.map(([id]) => id.length))
  return items.map(([id, text]) => `  ${id.padEnd(width)}  ${text}`).join('\n')
}

function idsOf(all: readonly { readonly id: string }[]): string {
  return all.map(({ id }) => id).join(', ')
}

function chosenOf<Thing extends { readonly id: string }>(kind: string, all: readonly Thing[]) {
  return (list: string): Thing[] =>
    list.split(',').map((id) => {
      const found = all.find((thing) => thing.id === id.trim())
      if (found === undefined) throw new InvalidArgumentError(`there is no ${kind} "${id}"; there are ${idsOf(all)}`)
      return found
    })
}

function earlierPackage(folder: string): Rival {
  if (isTwoway(folder)) return earlierTwoway(folder)
  throw new InvalidArgumentError(`"${folder}" is not a package twoway; give a folder such as node_modules/twoway`)
}

function nodesOf(list: string): number[] {
  return list.split(',').map((version) => {
    const known = knownNodes.has(Number(version))
    if (!known)
      throw new InvalidArgumentError(`Node "${version}" is not known; known are ${[...knownNodes].join(', ')}`)
    return Number(version)
  })
}

function positiveNumber(value: string): number {
  const number = Number(value)
  if (!(number > 0 && number <= 600)) throw new InvalidArgumentError('give a number above 0 and up to 600')
  return number
}

function wholeNumber(value: string): number {
  const number = positiveNumber(value)
  if (!Number.isInteger(number)) throw new InvalidArgumentError('give a whole number')
  return number
}
