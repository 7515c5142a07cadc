import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAdapter, type SocketIoOptions } from '@twoway/redis/socket.io'
import type { ResumableBroker } from 'twoway/hub'
import { installPackages } from '../runtimes/install-packages.js'

const folder = fileURLToPath(new URL('../../../.scratch/socket-io/', import.meta.url))

/** Fetches Socket.IO and the clients of brokers from npm, and returns a function that requires one of them. */
export function loadPackages(): NodeJS.Require {
  installPackages(folder, { ioredis: '5.9.2', 'socket.io': '4.8.4', 'socket.io-client': '4.8.4' })
  return createRequire(join(folder, 'package.json'))
}

// biome-ignore lint/suspicious/noExplicitAny: the types of Socket.IO are not installed when this is compiled
export type Untyped = any

/** A node of a Socket.IO cluster. */
export interface Node {
  readonly io: Untyped
  readonly port: number
  /** Closes the server as a deploy does. */
  close(): Promise<void>
}

/** Nodes and clients of Socket.IO, which end together. */
export class Cluster {
  readonly #load: NodeJS.Require
  readonly #adapter: SocketIoOptions
  readonly #nodes = new Set<Node>()
  readonly #clients = new Set<Untyped>()

  constructor(load: NodeJS.Require, adapter: SocketIoOptions = {}) {
    this.#load = load
    this.#adapter = adapter
  }

  async start(broker: ResumableBroker, options: object = {}, port = 0): Promise<Node> {
    const httpServer: HttpServer = createServer()
    const { Server } = this.#load('socket.io')
    const adapter = createAdapter(broker, { error: () => undefined, ...this.#adapter })
    const io = new Server(httpServer, { adapter, ...options })
    httpServer.listen(port, '127.0.0.1')
    await once(httpServer, 'listening')
    const node: Node = {
      io,
      port: (httpServer.address() as AddressInfo).port,
      close: async () => {
        this.#nodes.delete(node)
        await io.close()
      },
    }
    this.#nodes.add(node)
    return node
  }

  /** Resolves when each node knows the others. */
  async met(...nodes: readonly Node[]): Promise<void> {
    for (const { io } of nodes) {
      await until(async () => (await io.of('/').adapter.serverCount()) === nodes.length)
    }
  }

  /** A client that is connected to a port. It connects again fast, after a loss. */
  async client(port: number, options: object = {}): Promise<Untyped> {
    const socket = this.newClient(port, options)
    await event(socket, 'connect')
    return socket
  }

  newClient(port: number, options: object = {}): Untyped {
    const { io } = this.#load('socket.io-client')
    const socket = io(`http://127.0.0.1:${port}`, {
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      ...options,
    })
    this.#clients.add(socket)
    return socket
  }

  async end(): Promise<void> {
    for (const client of this.#clients) client.disconnect()
    await Promise.all([...this.#nodes].map((node) => node.close()))
  }
}

/** The first argument of the next event. */
export async function event(socket: Untyped, name: string): Promise<unknown> {
  return await new Promise((resolve) => socket.once(name, resolve))
}

/** Resolves when a condition holds; looks every few milliseconds. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 5))
}
