/** `npm run measure:deploy`: deploys a service three times under load, in several ways, and prints a table. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { type Deployment, socketActivation, stopAndStart, workersRestart } from './deployments.js'
import { Load } from './load.js'
import { pm2Reload } from './pm2.js'

const clients = 100
const deploys = 3

interface Row {
  readonly way: string
  readonly attempts: number
  readonly refused: string
  readonly longestGapMs: number
  readonly longestAwayMs: number
  readonly acknowledged: number
  readonly lost: number
  readonly closes: string
}

async function measure(deployment: Deployment): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'twoway-deploy-'))
  const log = join(folder, 'log')
  writeFileSync(log, '')
  try {
    const port = await deployment.start({ ...process.env, LOG: log })
    const load = new Load(`ws://127.0.0.1:${port}`, clients)
    while (load.acknowledged < 10 * clients) await pass(20)
    for (let count = 0; count < deploys; count += 1) {
      await deployment.deploy()
      const soFar = load.acknowledged
      while (load.acknowledged < soFar + 10 * clients) await pass(20)
    }
    const result = await load.stop()
    await deployment.stop()
    const stored = new Set(readFileSync(log, 'utf8').split('\n'))
    const { open = 0, ...failed } = result.attempts
    const list = (counts: Readonly<Record<string, number>>): string =>
      Object.entries(counts)
        .map(([name, count]) => `${count} × ${name}`)
        .join(', ') || 'none'
    return {
      way: deployment.name,
      attempts: open + Object.values(failed).reduce((sum, each) => sum + each, 0),
      refused: list(failed),
      longestGapMs: result.longestGapMs,
      longestAwayMs: result.longestAwayMs,
      acknowledged: result.acknowledged.length,
      lost: result.acknowledged.filter((id) => !stored.has(id)).length,
      closes: list(result.closes),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const words = process.argv.slice(2)
const ways = [workersRestart(), socketActivation(), stopAndStart(), pm2Reload()].filter(
  ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
)
console.log(`Node ${process.versions.node}: ${clients} clients and four newcomers, ${deploys} deploys\n`)
console.log(
  '| deploy | connects | refused or reset | no connection opened for | a client was away for | acknowledged | lost | closes |',
)
console.log('|---|---|---|---|---|---|---|---|')
for (const way of ways) {
  const { attempts, refused, longestGapMs, longestAwayMs, acknowledged, lost, closes } = await measure(way)
  const cells = [
    way.name,
    attempts,
    refused,
    `${Math.round(longestGapMs)} ms`,
    `${Math.round(longestAwayMs)} ms`,
    acknowledged,
    lost,
    closes,
  ]
  console.log(`| ${cells.join(' | ')} |`)
}
