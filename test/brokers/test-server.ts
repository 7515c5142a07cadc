import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from 'twoway-testing/peers/free-ports.js'
import { fetchServer } from './debian-server.js'

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A server of the test's own, with its data in a folder of its own. It survives `kill` and `run`. */
export class TestServer {
  readonly port: number
  readonly folder: string
  readonly #program: string
  readonly #args: readonly string[]
  #child: ChildProcess | undefined

  private constructor(program: string, port: number, folder: string, args: readonly string[]) {
    this.port = port
    this.folder = folder
    this.#program = program
    this.#args = args
  }

  /**
   * Starts a server of Debian, whose package is installed if it is missing.
   * @param argsOf its arguments, by its port and its folder
   * @param port a free one, unless the servers of a cluster must know it earlier
   */
  static async start(
    program: 'nats-server' | 'redis-server',
    argsOf: (port: number, folder: string) => readonly (string | number)[],
    port?: number,
  ): Promise<TestServer> {
    fetchServer(program)
    const folder = mkdtempSync(join(tmpdir(), `twoway-${program}-`))
    const own = port ?? (await freePort())
    const server = new TestServer(program, own, folder, argsOf(own, folder).map(String))
    await server.run()
    return server
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Starts it, also again after `kill`, with more arguments. Resolves when it takes connections. */
  async run(more: readonly string[] = []): Promise<void> {
    const child = spawn(this.#program, [...this.#args, ...more], { stdio: 'ignore' })
    this.#child = child
    running.add(child)
    child.once('exit', () => running.delete(child))
    while (!(await takesConnections(this.port))) {
      if (child.exitCode !== null) throw new Error(`${this.#program} ended with ${child.exitCode}`)
      await sleep(10)
    }
  }

  async kill(): Promise<void> {
    if (!this.isRunning) return
    const ended = once(this.#child!, 'exit')
    this.#child!.kill('SIGKILL')
    await ended
  }

  /** Stops the process for a while: its connections stay, and it answers nothing. */
  async stopFor(ms: number): Promise<void> {
    this.#child!.kill('SIGSTOP')
    await sleep(ms)
    this.#child!.kill('SIGCONT')
  }

  /** Keeps a copy of the data, while the server is down. */
  save(): void {
    rmSync(this.#copy(), { recursive: true, force: true })
    cpSync(this.folder, this.#copy(), { recursive: true })
  }

  /** Puts back the copy of `save`, while the server is down. */
  restore(): void {
    rmSync(this.folder, { recursive: true })
    cpSync(this.#copy(), this.folder, { recursive: true })
  }

  async end(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
    rmSync(this.#copy(), { recursive: true, force: true })
  }

  #copy(): string {
    return `${this.folder}.copy`
  }
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isUp = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false)
  socket.destroy()
  return isUp
}
