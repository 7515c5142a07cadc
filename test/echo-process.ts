import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('dist/main.js', import.meta.resolve('@twoway/cli/package.json')))

/** The output and the exit of a process. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A child process of node, its output collected. */
export class NodeProcess {
  readonly child: ChildProcess
  readonly ended: Promise<Ending>
  stdout = ''
  stderr = ''

  constructor(script: string, args: readonly string[], options: SpawnOptions = {}) {
    this.child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.ended = once(this.child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }))
  }

  /** Ends the process if it still runs. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }
}

/** The command `twoway` with these arguments. */
export function startTwoway(args: readonly string[], options?: SpawnOptions): NodeProcess {
  return new NodeProcess(main, args, options)
}

/** A running `twoway echo`, and the URLs that it printed. */
export interface EchoProcess {
  readonly process: NodeProcess
  /** The URL of the WebSocket, without a path. */
  readonly url: string
  /** The URL of the page. */
  readonly page: string
}

/** Starts `twoway echo` on a free port and waits until it listens. */
export async function startEcho(args: readonly string[] = [], options?: SpawnOptions): Promise<EchoProcess> {
  const process = startTwoway(['echo', '--port', '0', ...args], options)
  const listens = new Promise<void>((resolve) => {
    process.child.stdout!.on('data', () => {
      if (process.stdout.includes('Ctrl+C')) resolve()
    })
  })
  await Promise.race([
    listens,
    process.ended.then(({ code, stderr }) => {
      throw new Error(`twoway echo ended with ${code}: ${stderr}`)
    }),
  ])
  const url = /wss?:\/\/\S+/.exec(process.stdout)![0]
  const page = /https?:\/\/\S+/.exec(process.stdout)![0]
  return { process, url, page }
}
