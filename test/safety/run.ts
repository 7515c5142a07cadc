/**
 * `npm run safety [-- WORD ...]`: measures the rows of docs/explanation/safety.md for Twoway, ws and Bun in one run,
 * and writes that document. With words it measures only the rows whose property contains one of them, and writes nothing.
 * It fetches Bun from npm into `.scratch` if it is missing, and leaves Bun out if npm fails.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { fetchRuntimes } from '../runtimes/fetch-runtimes.js'
import { runtimes } from '../runtimes/runtimes.js'
import { descriptorRows } from './descriptor-rows.js'
import { echoRows } from './echo-rows.js'
import { fairnessRows } from './fairness-rows.js'
import { frameRows } from './frame-rows.js'
import { handshakeRows } from './handshake-rows.js'
import { hubRows } from './hub-rows.js'
import { memoryRows } from './memory-rows.js'
import { type Measured, pageOf } from './page.js'
import { restartRows } from './restart-rows.js'
import { type Figure, figure, type Row } from './row.js'
import { ServerProcess, type Target } from './server-process.js'
import { tlsRows } from './tls-rows.js'
import { dribbleRows, unfinishedRows } from './unfinished-rows.js'
import { waitingRows } from './waiting-rows.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const { version: versionOfWs } = createRequire(import.meta.url)('ws/package.json') as { version: string }

const words = process.argv.slice(2)
const isChosen = ({ property }: Row): boolean => words.length === 0 || words.some((word) => property.includes(word))

const targets = targetsHere()
const disturbing = [
  ...handshakeRows,
  ...frameRows,
  ...memoryRows,
  ...unfinishedRows,
  ...fairnessRows,
  ...echoRows,
  ...descriptorRows,
  ...tlsRows,
  ...restartRows,
  ...hubRows,
].filter(isChosen)
const waiting = [...dribbleRows, ...waitingRows].filter(isChosen)

const begun = new Date()
// These rows mostly sleep, so the others are measured meanwhile.
const waited = Promise.all(waiting.map((row) => measureAll(row, (measure) => Promise.all(targets.map(measure)))))
const measured: Measured[] = []
for (const row of disturbing) measured.push(await measureAll(row, oneByOne))
measured.push(...(await waited))

const failed = measured.filter(({ figures }) => figures.get('Twoway')?.holds === false)
if (words.length === 0) {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'a processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}`
  const page = pageOf({ measured, targets, machine, date: begun.toISOString().slice(0, 10) })
  writeFileSync(`${root}docs/explanation/safety.md`, page)
  console.log(`docs/explanation/safety.md is written; this took ${Math.round((Date.now() - begun.getTime()) / 1000)} s`)
}
if (failed.length > 0) {
  console.error(`Twoway does not hold: ${failed.map(({ row }) => row.property).join('; ')}`)
  process.exitCode = 1
}

function targetsHere(): Target[] {
  const node = { program: process.execPath, args: ['--expose-gc'] }
  const { version } = JSON.parse(readFileSync(`${root}packages/twoway/package.json`, 'utf8')) as { version: string }
  const found: Target[] = [
    { ...node, name: 'Twoway', version: `${version} on Node ${process.versions.node}`, script: 'twoway' },
    { ...node, name: 'ws', version: `${versionOfWs} on Node ${process.versions.node}`, script: 'ws' },
  ]
  const bun = findBun()
  if (bun !== undefined) found.push(bun)
  return found
}

function findBun(): Target | undefined {
  const bun = runtimes.find(({ name }) => name.startsWith('Bun'))!
  try {
    const program = fetchRuntimes([bun], join(root, '.scratch', 'runtimes')).get(bun.name)!
    return { name: 'Bun', version: bun.version, program, args: [], script: 'bun' }
  } catch (error) {
    console.log(`without Bun: ${(error as Error).message}`)
    return undefined
  }
}

type MeasureOne = (target: Target) => Promise<readonly [name: string, figure: Figure]>

async function oneByOne(measure: MeasureOne): Promise<(readonly [string, Figure])[]> {
  const figures: (readonly [string, Figure])[] = []
  for (const target of targets) figures.push(await measure(target))
  return figures
}

async function measureAll(
  row: Row,
  inTurn: (measure: MeasureOne) => Promise<readonly (readonly [string, Figure])[]>,
): Promise<Measured> {
  const figures = new Map(await inTurn(async (target) => [target.name, await measureOne(row, target)] as const))
  console.log(
    [row.property, ...[...figures].map(([name, { text, holds }]) => `  ${holds ? ' ' : '!'} ${name}: ${text}`)].join(
      '\n',
    ),
  )
  return { row, figures }
}

async function measureOne(row: Row, target: Target): Promise<Figure> {
  const reason = row.without?.[target.name]
  if (reason !== undefined) return figure(`— (${reason})`, true)
  let server: ServerProcess | undefined
  try {
    server = await ServerProcess.start(target, row.mode ?? 'echo', row.descriptors)
    return await row.measure(server, target)
  } catch (error) {
    return figure(`could not be measured: ${(error as Error).message}`, false)
  } finally {
    await server?.kill()
  }
}
