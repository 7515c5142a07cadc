import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './case.js'
import { runCase } from './run-case.js'
import type { ServerAddresses, ServerOrder } from './server-case.js'
import { serverCases } from './server-cases.js'

const script = fileURLToPath(new URL('server-process.js', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))

/** The time after which a process is ended. */
const processTimeoutMs = 300_000

export interface ServerRun {
  readonly program: string
  readonly args: readonly string[]
  /** The known faults of the runtime: the reason by the name of the case. */
  readonly faults: Readonly<Record<string, string>>
  readonly certificate: string
  readonly key: string
}

/** Runs the server in a process of a runtime, and tests it from this process with well-tested clients. */
export async function runServerSuite({ program, args, faults, certificate, key }: ServerRun): Promise<Outcome[]> {
  const folder = mkdtempSync(join(tmpdir(), 'twoway-'))
  const order: ServerOrder = { certificate, key, folder }
  const child = spawn(program, [...args, script, JSON.stringify(order)], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: processTimeoutMs,
    killSignal: 'SIGKILL',
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  let hasEnded = false
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      hasEnded = true
      reject(new Error(`the process ended with ${code ?? signal}: ${stderr.slice(-2000)}`))
    })
  })
  ended.catch(() => {})
  try {
    const addresses = await Promise.race([addressesFrom(child.stdout), ended])
    const outcomes: Outcome[] = []
    for (const { name, run } of serverCases) {
      const result = await runCase(() => (hasEnded ? ended : Promise.race([run(addresses), ended])))
      outcomes.push({ name: `server ${name}`, result: judge(result, faults[name]) })
    }
    return outcomes
  } finally {
    child.stdin.end()
    if (!hasEnded) await ended.catch(() => {})
    rmSync(folder, { recursive: true })
  }
}

/** A case that is known to fail runs too, so that a fixed fault does not stay in the list. */
function judge(result: string, fault: string | undefined): string {
  if (fault === undefined) return result
  return result === 'pass' ? 'fails: it passes, so the known fault is gone' : `lacks a fault less: ${fault}`
}

function addressesFrom(stdout: NodeJS.ReadableStream): Promise<ServerAddresses> {
  let text = ''
  return new Promise((resolve) => {
    stdout.setEncoding('utf8')
    stdout.on('data', (more: string) => {
      text += more
      const end = text.indexOf('\n')
      if (end >= 0) resolve(JSON.parse(text.slice(0, end)) as ServerAddresses)
    })
  })
}
