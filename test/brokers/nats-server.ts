import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fetchServer, freePort } from './debian-server.js'

/** The user `deaf` may not subscribe to topics. Connections without a name are those of `all`. */
const users = `authorization { users: [
  { user: all, password: all },
  { user: deaf, password: deaf, permissions: { subscribe: { allow: ["_INBOX.>"] } } }
] }
no_auth_user: all
`

/** A nats-server of the test's own, with JetStream's data in a folder of its own. */
export class NatsServer {
  readonly port: number
  readonly folder: string
  #child: ChildProcess | undefined

  private constructor(port: number, folder: string) {
    this.port = port
    this.folder = folder
  }

  static async start(): Promise<NatsServer> {
    fetchServer('nats-server')
    const server = new NatsServer(await freePort(), mkdtempSync(join(tmpdir(), 'twoway-nats-')))
    writeFileSync(server.#config, users)
    await server.run()
    return server
  }

  /** Starts it, also again after `kill`. */
  async run(): Promise<void> {
    const args = ['--addr', '127.0.0.1', '--port', String(this.port), '--jetstream', '--store_dir', this.folder]
    args.push('--config', this.#config)
    this.#child = spawn('nats-server', args, { stdio: 'ignore' })
    for (;;) {
      const socket = connect(this.port, '127.0.0.1')
      const isUp = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false)
      socket.destroy()
      if (isUp) return
      if (this.#child.exitCode !== null) throw new Error(`nats-server ended with ${this.#child.exitCode}`)
      await sleep(20)
    }
  }

  async kill(): Promise<void> {
    const ended = once(this.#child!, 'exit')
    this.#child!.kill('SIGKILL')
    await ended
  }

  /** Keeps a copy of the data, while the server is down. */
  save(): void {
    cpSync(this.folder, this.#copy, { recursive: true })
  }

  /** Puts back the copy of `save`, while the server is down. */
  restore(): void {
    rmSync(this.folder, { recursive: true })
    cpSync(this.#copy, this.folder, { recursive: true })
  }

  async end(): Promise<void> {
    if (this.#child!.exitCode === null && this.#child!.signalCode === null) await this.kill()
    rmSync(this.folder, { recursive: true })
    rmSync(this.#copy, { recursive: true, force: true })
    rmSync(this.#config)
  }

  get #config(): string {
    return `${this.folder}.conf`
  }

  get #copy(): string {
    return `${this.folder}.copy`
  }
}
