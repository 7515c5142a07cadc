import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { createInterface, type Interface } from 'node:readline'

/** The role of a process decides its core, so that the load never takes time from the process under test. */
export type Duty = 'tested' | 'load'

export interface ProcessOptions {
  readonly duty: Duty
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** A process that communicates in lines of JSON, on a core of its own where the system supports that. */
export class PinnedProcess {
  readonly #child: ChildProcess
  readonly #lines: Interface
  readonly #waiting: string[] = []
  readonly #ended: Promise<unknown>
  #stderr = ''

  constructor(program: string, args: readonly string[], { duty, env }: ProcessOptions) {
    const core = cores?.[duty]
    const [command, ...rest] = core === undefined ? [program, ...args] : ['taskset', '-c', core, program, ...args]
    this.#child = spawn(command!, rest, { stdio: 'pipe', env: { ...process.env, ...env } })
    this.#child.stdin!.on('error', () => {})
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#lines = createInterface(this.#child.stdout!)
    this.#lines.on('line', (line) => this.#waiting.push(line))
    this.#ended = once(this.#child, 'close')
  }

  get pid(): number {
    return this.#child.pid!
  }

  writeLine(line: string): void {
    this.#child.stdin!.write(`${line}\n`)
  }

  /** Resolves with the next line. Rejects if the process ends, or prints nothing within the time. */
  async read<Answer>(withinMs: number): Promise<Answer> {
    if (this.#waiting.length === 0) {
      const timeout = new AbortController()
      const late = setTimeout(() => timeout.abort(), withinMs)
      try {
        await Promise.race([once(this.#lines, 'line', { signal: timeout.signal }), this.#ended])
      } catch {
        throw new Error(`it said nothing for ${withinMs / 1000} s`)
      } finally {
        clearTimeout(late)
      }
    }
    const line = this.#waiting.shift()
    if (line === undefined) throw new Error(this.#stderr.trim().slice(-1000) || 'it ended without a word')
    return JSON.parse(line) as Answer
  }

  /** Rejects when the process ends. */
  async untilEnd(): Promise<never> {
    await this.#ended
    throw new Error(this.#stderr.trim().slice(-1000) || 'it ended without a word')
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}

/** The last two cores that this process may use. The first one usually has the system's own work. */
export const cores: Readonly<Record<Duty, string>> | undefined = findCores()

function findCores(): Readonly<Record<Duty, string>> | undefined {
  if (process.platform !== 'linux') return undefined
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  const allowed = list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
  const [load, tested] = allowed.slice(-2).map(String)
  if (load === undefined || tested === undefined) return undefined
  return spawnSync('taskset', ['-c', tested, 'true']).status === 0 ? { load, tested } : undefined
}
