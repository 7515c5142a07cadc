/** Starts a broker and several nodes, and starts each again that dies. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type BrokerName, brokers } from './brokers.js'
import type { NodeOrders } from './node.js'

export interface MachinesOptions {
  /** The port of the first node; those of the others follow, then the broker's. */
  readonly port: number
  readonly nodes: number
  readonly broker: BrokerName
  /** The folder that keeps the broker's data. */
  readonly folder: string
}

/** Milliseconds until a process that died is started again, so that a page shows what happens meanwhile. */
const restartMs = { node: 1000, broker: 1500 }

/** Where Debian and Homebrew put servers, besides the PATH. */
const { PATH, CHAT_SERVER_FOLDERS = '/usr/local/sbin:/usr/sbin:/opt/homebrew/bin' } = process.env

const nodeModule = fileURLToPath(new URL('./node.js', import.meta.url))

export class Machines {
  readonly urls: readonly string[]
  readonly #options: MachinesOptions
  readonly #brokerPort: number
  readonly #running = new Map<string, ChildProcess>()
  #isClosing = false

  constructor(options: MachinesOptions) {
    this.#options = options
    this.#brokerPort = options.port + options.nodes
    this.urls = Array.from({ length: options.nodes }, (_, index) => `http://127.0.0.1:${options.port + index}/`)
  }

  /** Throws an Error that says what to install if the program of the broker is missing. */
  async start(): Promise<void> {
    const { nodes, folder } = this.#options
    mkdirSync(folder, { recursive: true })
    await this.#keep('broker', restartMs.broker, () => this.#startBroker())
    for (let node = 1; node <= nodes; node += 1) {
      await this.#keep(`node ${node}`, restartMs.node, () => this.#startNode(node))
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true
    // A program that is missing has no process.
    const children = [...this.#running.values()].filter(({ pid }) => pid !== undefined)
    const endings = children.map((child) => once(child, 'exit'))
    for (const child of children) child.kill('SIGTERM')
    await Promise.all(endings)
  }

  /** Starts a process, and starts it again whenever it ends. Resolves when it is ready. */
  async #keep(name: string, againAfterMs: number, start: () => Started): Promise<void> {
    const { child, ready } = start()
    this.#running.set(name, child)
    const ended = once(child, 'exit').catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? missing(child.spawnfile) : error
    })
    await Promise.race([
      ready,
      ended.then(([code, signal]) => {
        throw new Error(`The ${name} ended with ${signal ?? code} before it was ready.`)
      }),
    ])
    void ended.then(([code, signal]) => {
      this.#running.delete(name)
      if (this.#isClosing) return
      console.log(`The ${name} ended (${signal ?? code}), and is started again.`)
      setTimeout(() => {
        if (!this.#isClosing) this.#keep(name, againAfterMs, start).catch(fail)
      }, againAfterMs)
    })
  }

  #startBroker(): Started {
    const { broker, folder } = this.#options
    const { program, argumentsFor } = brokers[broker]
    const env = { ...process.env, PATH: `${PATH}:${CHAT_SERVER_FOLDERS}` }
    const child = spawn(program, argumentsFor(this.#brokerPort, folder), { stdio: 'ignore', env })
    return { child, ready: accepts(this.#brokerPort) }
  }

  #startNode(node: number): Started {
    const { port, nodes, broker } = this.#options
    const orders: NodeOrders = { port: port + node - 1, node, nodes, broker, brokerPort: this.#brokerPort }
    const child = fork(nodeModule, [JSON.stringify(orders)])
    const ready = once(child, 'message')
    child.on('message', (message) => {
      if (message === 'node') child.kill('SIGKILL')
      else if (message === 'broker') this.#running.get('broker')?.kill('SIGKILL')
    })
    return { child, ready }
  }
}

interface Started {
  readonly child: ChildProcess
  readonly ready: Promise<unknown>
}

function missing(program: string): Error {
  return new Error(
    `The program ${program} is missing. Install it, then run this command again:\n` +
      `  apt install ${program}          on Debian and Ubuntu\n` +
      `  brew install ${program === 'redis-server' ? 'redis' : program}         on macOS`,
  )
}

/** Resolves when a port of this machine takes connections. */
async function accepts(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const isUp = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isUp) return
    await sleep(20)
  }
}

function fail(error: unknown): never {
  console.error(String((error as Error).message))
  process.exit(1)
}
