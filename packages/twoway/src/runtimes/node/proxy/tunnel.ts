import { lookup as lookUp } from 'node:dns'
import { isIP, type Socket } from 'node:net'
import { TransportError } from '../../../core/errors.js'
import type { ConnectTarget } from '../../../ports/connector.js'
import type { Transport } from '../../../ports/transport.js'
import { explainFailure } from '../connect/explain-failure.js'
import { secure } from '../connect/gated-tls.js'
import { nameOf, openSocket, securityOf } from '../connect/open-socket.js'
import { publishConnection } from '../connect/publish-connection.js'
import { tryHandles } from '../internals/handle-trial.js'
import { chooseTransport, type NodeTransport } from '../transport/choose-transport.js'
import { DeferredTransport } from '../transport/deferred-transport.js'
import { HttpConnect } from './http-connect.js'
import type { ProxyAddress } from './proxy-address.js'
import type { ProxyDialogue, ProxyTarget } from './proxy-dialogue.js'
import { Socks5 } from './socks5.js'

/** Opens a transport to a target through a proxy, with TLS from end to end if the target has it. */
export function openTunnel(proxy: ProxyAddress, target: ConnectTarget): Transport {
  return new Tunnel(proxy, target).transport
}

class Tunnel {
  readonly transport: DeferredTransport
  readonly #proxy: ProxyAddress
  readonly #target: ConnectTarget
  readonly #socket: Socket
  readonly #proxyName: string
  #hasProxy = false
  #dialogue: ProxyDialogue | undefined

  constructor(proxy: ProxyAddress, target: ConnectTarget) {
    const { host, port, scheme } = proxy
    this.#proxy = proxy
    this.#target = target
    this.#proxyName = nameOf({ host, port, tls: undefined })
    this.transport = new DeferredTransport(target.tls !== undefined, () => this.#socket.destroy())
    // It is known before the proxy has answered.
    void tryHandles()
    // The client's certificate and `rejectUnauthorized: false` are for the server, not for the proxy.
    const tls = scheme === 'https' ? { ca: target.proxy?.ca } : undefined
    this.#socket = openSocket({ host, port, tls, local: target.local }, (stage) =>
      this.#progress(`${stage}, the proxy`),
    )
    this.#socket.once(tls === undefined ? 'connect' : 'secureConnect', this.#onConnect)
    this.#socket.on('error', this.#onError)
    this.#socket.on('end', this.#onEnd)
  }

  readonly #onConnect = (): void => {
    this.#hasProxy = true
    const { host, port } = this.#target
    if (this.#proxy.scheme !== 'socks5' || isIP(host) !== 0) {
      this.#begin({ host, port })
      return
    }
    this.#progress(`looking up ${host}`)
    const { lookup = lookUp, family = 0 } = this.#target.local ?? {}
    lookup(host, { family }, (error, found) => {
      const address = typeof found === 'string' ? found : found?.[0]?.address
      if (error === null && address !== undefined) this.#begin({ host: address, port })
      else this.#failFor(error ?? new Error(`the option lookup found no address of ${host}`))
    })
  }

  #begin(target: ProxyTarget): void {
    const socket = this.#socket
    if (socket.destroyed) return
    this.#progress(`waiting for the proxy ${this.#proxyName} to connect to ${nameOf(this.#target)}`)
    const { scheme, credentials } = this.#proxy
    const Dialogue = scheme === 'http' || scheme === 'https' ? HttpConnect : Socks5
    this.#speak(() => {
      this.#dialogue = new Dialogue(target, credentials, (bytes) => socket.write(bytes), this.#target.proxy?.limits)
      socket.on('data', this.#onData)
    })
  }

  readonly #onData = (bytes: Uint8Array): void => {
    this.#speak(() => {
      const end = this.#dialogue!.receive(bytes, 0, bytes.length)
      if (this.#dialogue!.isDone) this.#handOver(bytes.subarray(end))
    })
  }

  /** The proxy has connected: the bytes from now on, beginning with `rest`, are the server's. */
  #handOver(rest: Uint8Array): void {
    const socket = this.#socket
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('error', this.#onError)
    socket.pause()
    const { tls, host } = this.#target
    const through = `${nameOf(this.#target)} through the proxy ${this.#proxyName}`
    if (tls === undefined) {
      this.#progress(undefined)
      // TLS with the proxy is not TLS with the server.
      const peer = { address: socket.remoteAddress, port: socket.remotePort, encrypted: false }
      const explain = explainBy(() => 'lost', through)
      this.#settle(chooseTransport(socket, { head: rest, peer, explain }))
      return
    }
    this.#progress(`in the TLS handshake with ${through}`)
    let isSecure = false
    // The TLS socket reports the stream's errors too.
    socket.on('error', () => {})
    if (rest.length > 0) socket.unshift(rest)
    const secured = secure(socket, securityOf(host, tls))
    secured.once('secureConnect', () => {
      isSecure = true
      this.#progress(undefined)
    })
    const explain = explainBy(() => (isSecure ? 'lost' : 'refused'), through)
    this.#settle(chooseTransport(secured, { explain }))
  }

  #settle(chosen: NodeTransport): void {
    this.transport.settle(chosen)
    publishConnection(this.#target, chosen.path)
  }

  #speak(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (error instanceof TransportError) this.#refuse(error.message, error.cause)
      // A certificate that can't be read.
      else this.#failFor(error as Error)
    }
  }

  readonly #onError = (cause: Error): void => {
    const reason = explainFailure(cause)
    if (this.#hasProxy) this.#refuse(`the connection to it was lost: ${reason}`, cause)
    else this.#fail(`can't connect to the proxy ${this.#proxyName}: ${reason}`, cause)
  }

  readonly #onEnd = (): void => this.#refuse('it ended the connection before it had answered', undefined)

  #refuse(reason: string, cause: unknown): void {
    this.#fail(`can't connect to ${nameOf(this.#target)} through the proxy ${this.#proxyName}: ${reason}`, cause)
  }

  #failFor(error: Error): void {
    this.#fail(`can't connect to ${nameOf(this.#target)}: ${explainFailure(error)}`, error)
  }

  #fail(message: string, cause: unknown): void {
    this.#socket.destroy()
    this.transport.fail(new TransportError(message, cause === undefined ? {} : { cause }))
  }

  #progress(stage: string | undefined): void {
    this.#target.progress?.(stage)
  }
}

function explainBy(outcome: () => 'lost' | 'refused', through: string): (cause: Error) => TransportError {
  return (cause) => {
    const what = outcome() === 'lost' ? `the connection to ${through} was lost` : `can't connect to ${through}`
    return new TransportError(`${what}: ${explainFailure(cause)}`, { cause })
  }
}
