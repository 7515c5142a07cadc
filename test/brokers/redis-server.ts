import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fetchServer, freePort } from './debian-server.js'

/** A Redis of the test's own, with its data in a folder of its own. */
export class RedisServer {
  readonly port: number
  readonly folder: string
  #child: ChildProcess | undefined

  private constructor(port: number, folder: string) {
    this.port = port
    this.folder = folder
  }

  static async start(): Promise<RedisServer> {
    fetchServer('redis-server')
    const server = new RedisServer(await freePort(), mkdtempSync(join(tmpdir(), 'twoway-redis-')))
    await server.run()
    return server
  }

  /** Starts it, also again after `kill`. Each write is on the disk before it is answered. */
  async run(): Promise<void> {
    const args = ['--port', this.port, '--bind', '127.0.0.1', '--dir', this.folder, '--save', '', '--appendonly', 'yes']
    this.#child = spawn('redis-server', [...args.map(String), '--appendfsync', 'always'], { stdio: 'ignore' })
    for (;;) {
      const socket = connect(this.port, '127.0.0.1')
      const isUp = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false)
      socket.destroy()
      if (isUp) return
      if (this.#child.exitCode !== null) throw new Error(`redis-server ended with ${this.#child.exitCode}`)
      await sleep(20)
    }
  }

  async kill(): Promise<void> {
    const ended = once(this.#child!, 'exit')
    this.#child!.kill('SIGKILL')
    await ended
  }

  async end(): Promise<void> {
    if (this.#child!.exitCode === null && this.#child!.signalCode === null) await this.kill()
    rmSync(this.folder, { recursive: true })
  }
}
