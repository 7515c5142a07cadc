import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Order, Report } from './suite.js'

const script = fileURLToPath(new URL('suite-process.js', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))

/** The time after which a process is ended. */
const processTimeoutMs = 600_000

/** Runs the suite in a process of a runtime. Rejects if it ends without a report. */
export function runProcess(program: string, args: readonly string[], order: Order): Promise<Report> {
  const child = spawn(program, [...args, script, JSON.stringify(order)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: processTimeoutMs,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const last = stdout.trimEnd().split('\n').at(-1) ?? ''
      if (code === 0 && last.startsWith('{')) resolve(JSON.parse(last) as Report)
      else reject(new Error(`the process ended with ${code ?? signal}: ${(stderr || stdout).slice(-2000)}`))
    })
  })
}
