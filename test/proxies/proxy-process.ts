import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'

/** Milliseconds for a proxy to listen, or to end. */
const timeMs = 30_000

/** A program, its arguments before the path of a configuration, and the configuration with all that it needs. */
export interface ProxyProgram {
  readonly program: string
  readonly args: readonly string[]
  readonly configuration: string
  /** The name of the file. */
  readonly file: string
}

/** A proxy that runs and listens on a port of 127.0.0.1. */
export class ProxyProcess {
  readonly #child: ChildProcess
  #output = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
      })
    }
  }

  /** Writes the configuration into a folder and starts the program. Rejects with its output if it does not listen. */
  static async start(
    { program, args, configuration, file }: ProxyProgram,
    folder: string,
    port: number,
  ): Promise<ProxyProcess> {
    const path = join(folder, file)
    writeFileSync(path, configuration)
    const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
    const child = spawn(program, [...args, path], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const proxy = new ProxyProcess(child)
    let hasEnded = false
    child.once('error', () => (hasEnded = true)).once('close', () => (hasEnded = true))
    for (const until = Date.now() + timeMs; !(await listensOn(port)); await pass(20)) {
      if (hasEnded || Date.now() > until) {
        await proxy.stop()
        throw new Error(`${program} does not listen:\n${proxy.#output}\n${configuration}`)
      }
    }
    return proxy
  }

  /** Everything that the proxy has printed. */
  get output(): string {
    return this.#output
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), timeMs)
    await closed
    clearTimeout(timer)
  }
}

async function listensOn(port: number): Promise<boolean> {
  const probe = connect(port, '127.0.0.1')
  try {
    await once(probe, 'connect')
    return true
  } catch {
    return false
  } finally {
    probe.destroy()
  }
}
