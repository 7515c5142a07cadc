import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './case.js'

const contracts = fileURLToPath(new URL('../../../packages/testing/dist/contracts/', import.meta.url))

/** The time after which a process is ended. */
const processTimeoutMs = 300_000

export interface ContractRun {
  readonly program: string
  /** The arguments before the file. */
  readonly args: readonly string[]
  readonly file: string
  /** A certificate for 127.0.0.1 that the runtime trusts, and its key. */
  readonly certificate: string
  readonly key: string
}

/** Runs the contracts of the ports on the runtime's own sockets, by the runtime's own test runner. */
export async function runContracts({ program, args, file, certificate, key }: ContractRun): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'twoway-'))
  const env = { ...process.env, DENO_CERT: join(folder, 'cert.pem'), TEST_KEY: join(folder, 'key.pem'), NO_COLOR: '1' }
  writeFileSync(env.DENO_CERT, certificate)
  writeFileSync(env.TEST_KEY, key)
  const child = spawn(program, [...args, join(contracts, file)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: processTimeoutMs,
    killSignal: 'SIGKILL',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once('error', ({ message }) => resolve(message))
    child.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : `it ended with ${code ?? signal}: ${output}`),
    )
  })
  rmSync(folder, { recursive: true })
  return {
    name: `contracts of its own sockets`,
    result: failure === undefined ? 'pass' : `fails: ${failure.slice(-3000)}`,
  }
}
