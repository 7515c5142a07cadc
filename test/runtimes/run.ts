/**
 * `npm run test:runtimes`: runs the same suite on each runtime, prints a table, and writes the results of the rules to docs/reference/whatwg.md.
 * `npm run test:runtimes -- deno chromium` runs those whose names contain one of the words, and writes nothing. With
 * `--platforms` it also runs the own classes of Node, Bun and Deno, for comparison, which takes ten minutes.
 * Exits with 1 if a case fails although its runtime lacks nothing for it.
 */

import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { generate } from 'selfsigned'
import { fetchChromium } from '../browser/debian-chromium.js'
import { startEcho } from '../echo-process.js'
import { isKnownFault } from '../whatwg/known-faults.js'
import type { Outcomes } from '../whatwg/rules.js'
import { startServers } from '../whatwg/server.js'
import type { Results as RuleResults } from '../whatwg/table.js'
import { readResults, writeTable } from '../whatwg/table-files.js'
import type { Addresses, Outcome } from './case.js'
import { runChromium } from './chromium.js'
import { fetchRuntimes } from './fetch-runtimes.js'
import { runContracts } from './run-contracts.js'
import { runProcess } from './run-process.js'
import { runServerSuite } from './run-server.js'
import { runTlsSequences } from './run-tls.js'
import { runtimes } from './runtimes.js'
import { startFloodService } from './service.js'
import type { Order, Report } from './suite.js'
import { hasFailure, tableOf } from './table.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Cases for features that the platform's own WebSocket does not have. */
const browserLacks = {
  options: "a browser's WebSocket takes subprotocols alone",
  reasons: 'a browser does not let a page know',
  tls: 'a page has no say in what is trusted',
}
const chromiumLacks = {
  ...browserLacks,
  errorWhenLost:
    'Chromium fires close alone where TCP ends without a Close: the error event is for what it fails itself',
  uint8Chunks: 'Chromium gives an ArrayBuffer, as an older text of the proposal had it',
}
const noBackpressure = "a WebSocketStream on top of a platform's WebSocket can't make it stop reading"

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { platforms: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const words = positionals.map((word) => word.toLowerCase())
  const isWanted = ({ name }: { readonly name: string }): boolean =>
    words.length === 0 || words.some((word) => name.toLowerCase().includes(word))
  const chosen = runtimes.filter(isWanted)
  const programs = fetchRuntimes(chosen, join(root, '.scratch', 'runtimes'))
  const services = await startServices()
  const { addresses } = services
  const results = new Map<string, readonly Outcome[]>()
  const notKept: string[] = []
  const { ours, platforms } = readResults()
  const rules: Mutable<RuleResults> = { ours: { ...ours }, platforms: { ...platforms } }

  for (const { name, args, contracts, lacks, serverFaults: faults } of chosen) {
    const program = programs.get(name)!
    const runOrder = (order: Pick<Order, 'cases' | 'rules'>): Promise<Report> =>
      orFailure(runProcess(program, args, { addresses, lacks, ...order }))
    const report = await runOrder({ cases: '', rules: 'ours' })
    const asServer = await runServerSuite({
      program,
      args,
      faults,
      certificate: addresses.certificate,
      key: services.key,
    })
    const { certificate } = addresses
    const kept = contracts ? [await runContracts({ program, ...contracts, certificate, key: services.key })] : []
    const tls = contracts ? [await runTlsSequences({ program, args })] : []
    results.set(name, [...report.cases, ...asServer, ...kept, ...tls, ...outcomesOf(report.rules, name)])
    if (hasRules(report)) rules.ours[name] = report.rules
    if (values.platforms) {
      const own = await runOrder({ rules: 'platform' })
      if (hasRules(own)) rules.platforms[name] = own.rules
      notKept.push(sumUp(name, own))
    }
    console.log(`${name}: done.`)
  }
  if (isWanted({ name: 'Chromium' })) {
    const name = `Chromium ${Number.parseInt(fetchChromium(), 10)}`
    const report = await orFailure(runChromium({ addresses, lacks: chromiumLacks, cases: '', rules: 'platform' }, {}))
    results.set(name, report.cases)
    if (hasRules(report)) rules.platforms[name] = report.rules
    notKept.push(sumUp(name, report))
    const lacks = { ...browserLacks, receiveBackpressure: noBackpressure }
    const order = { addresses, lacks, cases: 'WebSocketStream' }
    const ourStream = await orFailure(runChromium(order, { withoutWebSocketStream: true }))
    results.set('our stream in it', ourStream.cases)
    console.log(`${name}: done.`)
  }
  await services.close()
  if (results.size === 0) throw new Error(`No runtime has ${words.join(' or ')} in its name.`)
  if (words.length === 0) writeTable({ ours: shortened(rules.ours), platforms: shortened(rules.platforms) })
  console.log(
    `\n${tableOf(results)}\n\nThe rules that the platform's own WebSocket does not keep:\n${notKept.join('\n')}`,
  )
  if (hasFailure(results)) process.exitCode = 1
}

/** The rules as results of cases: a rule that a runtime itself breaks counts as lacking there. */
function outcomesOf(rules: Outcomes, runtime: string): Outcome[] {
  return Object.entries(rules).map(([id, outcome]) => {
    const isKnown = isKnownFault(id, runtime)
    let result = outcome === 'pass' ? 'pass' : `fails: ${outcome}`
    if (outcome === 'n/a') result = 'lacks what the rule needs, see docs/reference/whatwg.md'
    if (isKnown && outcome !== 'pass') result = `lacks a fault less: ${outcome}, see test/whatwg/known-faults.ts`
    if (isKnown && outcome === 'pass') result = 'fails: it passes, so the known fault is gone'
    return { name: `rule ${id}`, result }
  })
}

/** Shortens a description, which may contain a message of a megabyte. */
function shortened(results: Readonly<Record<string, Outcomes>>): Record<string, Outcomes> {
  const shorten = (outcomes: Outcomes): Outcomes =>
    Object.fromEntries(Object.entries(outcomes).map(([id, outcome]) => [id, outcome.slice(0, 300)]))
  return Object.fromEntries(Object.entries(results).map(([runtime, outcomes]) => [runtime, shorten(outcomes)]))
}

function hasRules({ rules }: Report): boolean {
  return Object.keys(rules).length > 0
}

function sumUp(runtime: string, report: Report): string {
  const broken = Object.entries(report.rules).filter(([, outcome]) => outcome !== 'pass' && outcome !== 'n/a')
  const failure = report.cases.find(({ name }) => name === suiteName)
  if (failure !== undefined) return `${runtime}: ${failure.result}`
  if (!hasRules(report)) return `${runtime}: it has no WebSocket`
  return [`${runtime}: ${broken.length}`, ...broken.map(([id, outcome]) => `  ${id}: ${outcome}`)].join('\n')
}

const suiteName = 'the suite runs'

async function orFailure(report: Promise<Report>): Promise<Report> {
  try {
    return await report
  } catch (error) {
    return { cases: [{ name: suiteName, result: `fails: ${(error as Error).message}` }], rules: {} }
  }
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Record<string, Outcomes> }

interface Services {
  readonly addresses: Addresses
  /** The options of the certificate. */
  readonly key: string
  close(): Promise<void>
}

async function startServices(): Promise<Services> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  const echo = await startEcho(['--any-origin'])
  const servers = await startServers()
  const flood = await startFloodService()
  const secure = await startFloodService({ cert, key })
  return {
    addresses: {
      echoUrl: echo.url,
      scriptedUrl: servers.url,
      rawUrl: servers.rawUrl,
      deafUrl: servers.deafUrl,
      floodUrl: flood.url,
      secureUrl: secure.url,
      certificate: cert,
    },
    key,
    async close() {
      await Promise.all([echo.process.kill(), servers.close(), flood.close(), secure.close()])
    },
  }
}

run().catch((error: Error) => {
  console.error(error.message)
  process.exit(1)
})
