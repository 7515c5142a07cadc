import { TransportError, UsageError } from '../../core/errors.js'
import type { Clock } from '../../ports/clock.js'
import type { Connector, ConnectTarget } from '../../ports/connector.js'
import type { HttpHandler, HttpHost, HttpListener, ListenOptions } from '../../ports/http-host.js'
import type { Transport } from '../../ports/transport.js'
import { MemoryListener } from './memory-listener.js'
import { memoryPair } from './memory-pair.js'
import { MemoryTransport } from './memory-transport.js'

const firstFreePort = 49_152

/** The names of this machine that a resolver knows. */
const loopback = new Set(['localhost', '127.0.0.1', '::1'])
const everyAddress = new Set(['', '0.0.0.0', '::'])

/**
 * A network of hosts and ports within one process. A client reaches the servers of the same network. Nothing is encrypted: a
 * target with TLS reaches only a listener with TLS, and certificates are ignored.
 */
export class MemoryNetwork implements HttpHost, Connector {
  readonly #clock: Clock
  readonly #listeners = new Map<number, Map<string, MemoryListener>>()
  #nextPort = firstFreePort

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async listen(options: ListenOptions, handler: HttpHandler): Promise<HttpListener> {
    for (const name of ['socketPath', 'handle', 'reusePort', 'proxyProtocol'] as const) {
      if (options[name]) {
        throw new UsageError('optionInvalid', `a network in memory knows no ${name}: listen on a host and port of it`)
      }
    }
    const port = options.port === 0 ? this.#freePort() : options.port
    const host = listenerKey(options.host)
    const listeners = this.#listeners.get(port) ?? new Map<string, MemoryListener>()
    if (listeners.has(host)) throw systemError('EADDRINUSE', `listen: ${options.host}:${port} is in use`)
    const close = (): void => {
      listeners.delete(host)
      if (listeners.size === 0) this.#listeners.delete(port)
    }
    const listener = new MemoryListener({ ...options, port }, handler, this.#clock, close)
    this.#listeners.set(port, listeners.set(host, listener))
    return listener
  }

  connect(target: ConnectTarget): Transport {
    const unknown = unknownOf(target)
    if (unknown !== undefined) {
      const message = `a network in memory has no ${unknown}: connect to a host and port of it`
      return failed(this.#clock, target.tls !== undefined, message, systemError('ENOTSUP', message))
    }
    const listener = this.#find(target)
    const encrypted = target.tls !== undefined
    const name = `${target.host}:${target.port}`
    if (listener === undefined) {
      const cause = systemError('ECONNREFUSED', `connect: nothing listens on ${name}`)
      return failed(this.#clock, encrypted, `can't connect to ${name}: the connection was refused`, cause)
    }
    if (listener.encrypted !== encrypted) {
      const cause = systemError('EPROTO', `connect: ${name} speaks ${listener.encrypted ? 'TLS' : 'no TLS'}`)
      return failed(this.#clock, encrypted, `can't connect to ${name}: ${cause.message}`, cause)
    }
    const [near, far] = memoryPair(this.#clock, { address: undefined, port: undefined, encrypted })
    listener.accept(far)
    return near
  }

  #find({ host, port }: ConnectTarget): MemoryListener | undefined {
    const listeners = this.#listeners.get(port)
    return listeners?.get(listenerKey(host)) ?? listeners?.get('every')
  }

  #freePort(): number {
    while (this.#listeners.has(this.#nextPort)) this.#nextPort += 1
    return this.#nextPort++
  }
}

/** Options of a target that a network within the process does not have. */
function unknownOf({ socketPath, proxy, createConnection }: ConnectTarget): string | undefined {
  if (socketPath !== undefined) return 'Unix sockets'
  if (proxy !== undefined) return 'proxies'
  return createConnection === undefined ? undefined : 'createConnection'
}

function listenerKey(host: string): string {
  if (everyAddress.has(host)) return 'every'
  return loopback.has(host) ? 'loopback' : host
}

function failed(clock: Clock, encrypted: boolean, message: string, cause: Error): Transport {
  const transport = new MemoryTransport({ address: undefined, port: undefined, encrypted }, clock)
  transport.fail(new TransportError(message, { cause }))
  return transport
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(`${message} (${code})`), { code })
}
