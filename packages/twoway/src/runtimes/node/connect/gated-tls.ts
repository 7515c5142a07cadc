import type { Socket } from 'node:net'
import process from 'node:process'
import { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'

/**
 * Whether a TLSSocket of node:tls goes on reading from the network while it is paused, as Deno 2.9 has it
 * (test/runtimes/deno-tls-pause.mjs): the peer could fill the memory of the process.
 */
export const readsWhilePaused = 'deno' in process.versions

/** Secures a socket by TLS. While the TLSSocket is paused, nothing is read from the network. */
export function secure(socket: Socket, options: ConnectionOptions): TLSSocket {
  return readsWhilePaused ? secureByGate(socket, options) : connectTls({ ...options, socket })
}

/** Lets TLS read from a stream that gives nothing while the TLSSocket is paused. */
export function secureByGate(socket: Socket, options: ConnectionOptions): TLSSocket {
  const gate = new Gate(socket)
  const secured = connectOver(gate, options)
  // The TLS handshake needs the bytes of the peer even if no message is read yet.
  let isSecure = false
  const stop = (): void => {
    if (isSecure) gate.stop()
  }
  secured.once('secureConnect', () => {
    isSecure = true
    if (secured.readableFlowing !== true) stop()
  })
  secured.on('pause', stop).on('resume', () => gate.start())
  // The TLSSocket does not learn of its own why the stream below it has closed.
  const fail = (error: Error): void => void secured.destroy(error)
  gate.onFailedWrite = fail
  socket.on('error', fail)
  secured.once('close', () => socket.destroy())
  return Object.defineProperties(secured, {
    remoteAddress: { get: () => socket.remoteAddress },
    remotePort: { get: () => socket.remotePort },
  })
}

/** Throws if the options are invalid; the gate's socket is closed then. */
function connectOver(gate: Gate, options: ConnectionOptions): TLSSocket {
  try {
    return connectTls({ ...options, socket: gate })
  } catch (error) {
    gate.destroy()
    throw error
  }
}

type WriteCallback = (error?: Error | null) => void

/** The bytes of a socket, which wait in the network while the gate is stopped. */
class Gate extends Duplex {
  /** Called before a write is told to have failed: Deno 2.9 tells the writes to its TLSSocket then that they have succeeded. */
  onFailedWrite: (error: Error) => void = () => {}
  readonly #socket: Socket
  #isStopped = false

  constructor(socket: Socket) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    socket.allowHalfOpen = true
    socket
      .on('data', (bytes: Uint8Array) => {
        if (!this.push(bytes) || this.#isStopped) socket.pause()
      })
      .on('end', () => this.push(null))
      .on('close', () => this.destroy())
  }

  stop(): void {
    this.#isStopped = true
    this.#socket.pause()
  }

  start(): void {
    this.#isStopped = false
    this.#socket.resume()
  }

  override _read(): void {
    if (!this.#isStopped) this.#socket.resume()
  }

  override _write(bytes: Uint8Array, _encoding: string, done: WriteCallback): void {
    this.#socket.write(bytes, (error) => {
      if (error) this.onFailedWrite(error)
      done(error)
    })
  }

  override _final(done: WriteCallback): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: WriteCallback): void {
    this.#socket.destroy()
    done(error)
  }
}
