/** `npm run bench`: measures Twoway beside its rivals. settings.ts has the options. */

import process from 'node:process'
import { type Contender, findContenders, rivalVersionsOf } from './contender.js'
import { type Run, writeDocument } from './document.js'
import type { Identity, Measurement } from './load/load.js'
import { describeMachine } from './machine.js'
import { measure, takesPart, trust } from './measure.js'
import { stagePrograms } from './published-packages.js'
import { mediansOf, type Result, ratiosOf } from './results.js'
import type { Row } from './row.js'
import { readSettings, type Settings } from './settings.js'
import { textTable } from './text-table.js'

async function bench(): Promise<void> {
  const args = process.argv.slice(2)
  const settings = readSettings(args)
  if (process.platform === 'win32') throw new Error('Windows tells neither /proc nor ps: run this under WSL')
  const contenders = findContenders(settings.rivals, settings.nodes)
  const identity = await makeIdentity()
  trust(identity)
  await stagePrograms(settings.rivals)
  const results: Result[] = []
  for (const row of settings.rows) {
    const present = contenders.filter((contender) => takesPart(contender, row))
    const ofRow = await measureRow(row, present, settings, identity)
    results.push(...ofRow)
    if (settings.json) console.error(`${row.title}: done.`)
    else if (ofRow.length > 0) console.log(textTable(row, ofRow))
  }
  const run: Run = {
    command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    versions: versionsOf(contenders),
    rounds: settings.rounds,
    seconds: settings.measureMs / 1000,
    results,
  }
  if (settings.json) console.log(JSON.stringify(forMachines(run), undefined, 2))
  if (settings.write) writeDocument(run)
  if (results.some(({ failure }) => failure !== undefined)) process.exitCode = 1
}

/** Measures round by round, so that other load of the machine affects all contenders alike. */
async function measureRow(
  row: Row,
  contenders: readonly Contender[],
  settings: Settings,
  identity: Identity,
): Promise<Result[]> {
  const taken = contenders.map((contender) => ({
    row,
    contender,
    measurements: [] as Measurement[],
    failure: undefined as string | undefined,
  }))
  for (let round = 0; round < settings.rounds; round++) {
    for (const result of taken.filter(({ failure }) => failure === undefined)) {
      try {
        result.measurements.push(await measure(result.contender, row, settings, identity))
      } catch (error) {
        result.failure = (error as Error).message
        console.error(`${result.contender.name} failed at ${row.id}: ${result.failure}`)
      }
    }
  }
  return taken
}

async function makeIdentity(): Promise<Identity> {
  // Slow to load, and only needed once the options are valid.
  const { generate } = await import('selfsigned')
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  return { cert, key }
}

function versionsOf(contenders: readonly Contender[]): string[] {
  const packages = Object.entries(rivalVersionsOf()).map(([name, version]) => `${name} ${version}`)
  return [...packages, ...new Set(contenders.map(({ runtime }) => runtime))]
}

function forMachines({ results, ...run }: Run): object {
  const rows = [...new Set(results.map(({ row }) => row))]
  return {
    ...run,
    rows: rows.map((row) => {
      const ofRow = results.filter((result) => result.row === row)
      return {
        ...row,
        contenders: ofRow.map((result) => ({
          id: result.contender.id,
          name: result.contender.name,
          failure: result.failure,
          medians: result.measurements.length > 0 ? mediansOf(result) : undefined,
          measurements: result.measurements,
        })),
        ratios: ratiosOf(ofRow).map(({ ours, theirs, ratio, aim }) => ({
          ours: ours.id,
          theirs: theirs.id,
          ratio,
          aim,
        })),
      }
    }),
  }
}

bench().catch((error: Error) => {
  console.error(error.message)
  process.exitCode = 1
})
