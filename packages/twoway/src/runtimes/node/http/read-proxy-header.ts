import type { Socket } from 'node:net'
import { TransportError, type TransportErrorCode } from '../../../core/errors.js'
import { type ProxyHeader, ProxyHeaderParser } from '../../../core/proxy-protocol/proxy-header.js'
import type { Clock } from '../../../ports/clock.js'
import type { DropReason, HttpHandler } from '../../../ports/http-host.js'
import type { TransportPeer } from '../../../ports/transport.js'
import { nodeClock } from '../clock.js'
import { nextTick } from '../internals/genuine-timers.js'
import { peerOf } from './request-head.js'

/** Milliseconds between two reports of one code at least: a stranger may connect as often as it likes. */
const reportIntervalMs = 60_000

const noTime = Number.POSITIVE_INFINITY

/** A connection whose PROXY header was read. The socket is paused, and its events have no listeners but for errors. */
export interface AnnouncedConnection {
  readonly socket: Socket
  readonly peer: TransportPeer
  /** The bytes behind the header. */
  readonly rest: Uint8Array
  /** The deadline of what follows, in the clock's milliseconds. */
  readonly until: number
}

export interface ProxyHeadersOptions {
  /** Whether the peers have addresses: over TCP, one without has already reset. */
  readonly isTcp: () => boolean
  /** Whether a peer's header counts. */
  readonly trusts: (address: string | undefined) => boolean
  /** Milliseconds for the header, and for what follows, to arrive. */
  readonly timeMs: number
  readonly handler: Pick<HttpHandler, 'dropped' | 'failed'>
  readonly announced: (connection: AnnouncedConnection) => void
}

/** Reads the PROXY headers of connections, and drops those of strangers and those without one. */
export class ProxyHeaders {
  readonly #options: ProxyHeadersOptions
  readonly #clock: Clock
  /** Connections that were not handed over or dropped yet. */
  readonly #open = new Set<Socket>()
  readonly #reportedAt = new Map<TransportErrorCode, number>()
  #onSettled: () => void = () => {}

  constructor(options: ProxyHeadersOptions, clock: Clock = nodeClock) {
    this.#options = options
    this.#clock = clock
  }

  /** Reads the header of a connection whose socket was not read before. */
  read(socket: Socket): void {
    const { isTcp, trusts, timeMs } = this.#options
    // An error without a listener would end the process. Each is followed by the close.
    socket.on('error', () => {})
    const peer = peerOf(socket)
    if (peer.address === undefined && isTcp()) {
      socket.destroy()
      return
    }
    if (!trusts(peer.address)) {
      socket.destroy()
      this.#dropped('proxyNotTrusted', peer, 'proxyNotTrusted', 'was ended, as trustedProxies does not name the peer')
      return
    }
    const until = this.#clock.now() + timeMs
    const parser = new ProxyHeaderParser()
    const stop = (): void => {
      timer?.cancel()
      for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener)
    }
    const drop = (reason: DropReason, fault: string): void => {
      stop()
      socket.destroy()
      this.#end(socket)
      this.#dropped(reason, peer, 'proxyHeaderInvalid', `was ended, as it ${fault}`)
    }
    const listeners = {
      data: (chunk: Uint8Array): void => {
        const used = parser.receive(chunk, 0, chunk.length)
        if (parser.fault !== undefined) drop('proxyHeaderInvalid', parser.fault)
        if (parser.header === undefined) return
        stop()
        socket.pause()
        const connection = { socket, peer: announcedPeer(peer, parser.header), rest: chunk.subarray(used), until }
        // The socket must be done with this read before another owner takes its handle.
        nextTick(() => {
          if (!socket.destroyed) this.#options.announced(connection)
          this.#end(socket)
        })
      },
      // Many health checks connect and leave.
      end: (): void => {
        if (!parser.isEmpty) drop('proxyHeaderInvalid', 'ended within its PROXY header')
        else socket.destroy()
      },
      close: (): void => {
        stop()
        this.#end(socket)
      },
    }
    const timer =
      timeMs === noTime
        ? undefined
        : this.#clock.after(timeMs, () => drop('handshakeTimeoutMs', `sent no PROXY header within ${timeMs} ms`), false)
    for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener)
    this.#open.add(socket)
  }

  /** Resolves when no header is incomplete. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#onSettled = resolve
      this.#tellSettled()
    })
  }

  /** Drops the connections whose header is incomplete. */
  drop(): void {
    for (const socket of this.#open) socket.destroy()
  }

  #end(socket: Socket): void {
    this.#open.delete(socket)
    this.#tellSettled()
  }

  #tellSettled(): void {
    if (this.#open.size === 0) this.#onSettled()
  }

  #dropped(reason: DropReason, peer: TransportPeer, code: TransportErrorCode, fate: string): void {
    const { handler } = this.#options
    handler.dropped(reason, peer)
    const now = this.#clock.now()
    if (now - (this.#reportedAt.get(code) ?? Number.NEGATIVE_INFINITY) < reportIntervalMs) return
    this.#reportedAt.set(code, now)
    const from = peer.address === undefined ? 'a Unix socket' : peer.address
    handler.failed(
      new TransportError(`a connection from ${from} ${fate}; metrics().refusals counts further ones`, { code }),
    )
  }
}

function announcedPeer(peer: TransportPeer, header: ProxyHeader): TransportPeer {
  if (header === 'own') return peer
  if (header === 'unnamed') return { ...peer, announced: 'unnamed' }
  return { ...header, encrypted: false, announced: 'named' }
}
