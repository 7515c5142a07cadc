import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { generate } from 'selfsigned'
import type { Counts, Mode } from './servers/commands.js'

/** A server to measure: a program and its script. */
export interface Target {
  readonly name: string
  readonly version: string
  readonly program: string
  readonly args: readonly string[]
  /** The script's name, in the folder of servers. */
  readonly script: string
}

let made: ReturnType<typeof generate> | undefined

/** A certificate and its key, for all servers that have TLS. */
async function identityOf(): Promise<{ readonly cert: string; readonly key: string }> {
  made ??= generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec', algorithm: 'sha256' })
  const { cert, private: key } = await made
  return { cert, key }
}

/** A server in its own process. */
export class ServerProcess {
  readonly port: number
  hasEnded = false
  readonly #child: ChildProcess
  readonly #answers: ((line: string) => void)[]

  private constructor(child: ChildProcess, port: number, answers: ((line: string) => void)[]) {
    this.port = port
    this.#child = child
    this.#answers = answers
    child.once('exit', () => {
      this.hasEnded = true
    })
  }

  /** Starts a server, through a shell with a lower limit of descriptors if one is given. Rejects if it does not start. */
  static async start(target: Target, mode: Mode, descriptors?: number): Promise<ServerProcess> {
    const script = fileURLToPath(new URL(`servers/${target.script}.js`, import.meta.url))
    const command = [target.program, ...target.args, script, mode]
    const [program, ...args] =
      descriptors === undefined ? command : ['sh', '-c', `ulimit -n ${descriptors} && exec "$0" "$@"`, ...command]
    const environment = mode === 'tls' ? { SAFETY_IDENTITY: JSON.stringify(await identityOf()) } : {}
    const child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, ...environment } })
    child.stdin!.on('error', () => {})
    const answers: ((line: string) => void)[] = []
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line.startsWith('{')) answers.shift()?.(line)
    })
    const port = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`${target.name} ended with ${code} before it listened`)))
      answers.push((line) => resolve((JSON.parse(line) as { port: number }).port))
    })
    return new ServerProcess(child, port, answers)
  }

  counts(): Promise<Counts | undefined> {
    return this.#ask('counts', 5000)
  }

  memory(): Promise<{ residentBytes: number; peakBytes: number } | undefined> {
    return this.#ask('memory', 20_000)
  }

  /** Resolves with whether the server stopped in time. */
  async stop(withinMs: number): Promise<boolean> {
    return (await this.#ask('stop', withinMs)) !== undefined
  }

  async kill(): Promise<void> {
    if (this.hasEnded) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  /** The answer to a question, or undefined if none arrives in time. */
  #ask<Answer>(question: string, withinMs: number): Promise<Answer | undefined> {
    if (this.hasEnded) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), withinMs)
      this.#answers.push((line) => {
        clearTimeout(timer)
        resolve(JSON.parse(line) as Answer)
      })
      this.#child.stdin!.write(`${question}\n`)
    })
  }
}
