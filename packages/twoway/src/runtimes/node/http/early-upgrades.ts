import { IncomingMessage, maxHeaderSize, type Server } from 'node:http'
import { Socket } from 'node:net'
import { HandshakeError } from '../../../core/errors.js'
import { KnownHeads } from '../../../core/handshake/known-heads.js'
import { requestForm } from '../../../core/http/head-form.js'
import { HeadParser } from '../../../core/http/head-parser.js'
import type { RequestHead } from '../../../ports/http-host.js'
import { startTimer, type Timer } from '../internals/genuine-timers.js'
import { hasHandles } from '../internals/handle-trial.js'
import { hasHollowSockets } from '../internals/socket/hollow-socket.js'
import type { StreamHandle } from '../internals/stream-handle.js'
import { streamWrap } from '../internals/stream-wrap.js'
import { type GiveOn, takeConnections } from '../internals/take-connections.js'
import { earlySocket } from '../transport/choose-transport.js'

/** A handshake that the HTTP server has not seen. */
export interface EarlyUpgrade {
  /** The request as node:http would have made it, without its socket. */
  readonly request: IncomingMessage
  /** The bytes that came behind the request's head. */
  readonly head: Buffer
  /**
   * Writes the answer, and returns the socket for `fromDuplex`. The request has the socket, too.
   * @param answer the whole head of a response, in Latin-1
   */
  accept(answer: string): Socket
}

export interface EarlyUpgradeOptions {
  /** Whether a connection may be taken now. The server gets it otherwise. */
  mayTake(): boolean
  /** The server gets the connection with its request unless this function calls `accept`. */
  upgrade(upgrade: EarlyUpgrade): void
}

/** Between one and two times these milliseconds after it has come, a connection without a request is given to the server. */
const patienceMs = 1000

/** The head of a request that is longer is left to the server, like one with more fields. */
const limits = { maxHeadBytes: Math.min(8192, maxHeaderSize), maxHeaderFields: 64 }

/** The values of Connection that clients send. Others are left to the server. */
const upgrades = /^(?:keep-alive,[ \t]*)?upgrade$/i

/** A request with one of these fields is left to the server, because it has a body or needs another answer first. */
const excluded: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'expect', 'trailer', 'te'])

/** The private part of node:http that is used here. */
interface OpenRequest {
  httpVersionMajor: number
  httpVersionMinor: number
  joinDuplicateHeaders: unknown
  upgrade: boolean
  parser: null
  client: Socket
  socket: Socket
  _addHeaderLines(fields: string[], length: number): void
}

/**
 * Takes the handshakes that a server of node:http receives from now on, before the server has made a socket and a parser for
 * them. These take most of the time and garbage of a handshake, and the garbage makes V8 enlarge its young generation
 * (`npm run bench -- --rows ws-handshake,ws-idle`). Only a request that is whole in the first read, and that any server would
 * take for an upgrade to WebSocket, is taken; the server gets each other connection with the bytes that were read. Returns a
 * function that gives the waiting connections to the server; undefined, and does nothing, if the handles of sockets can't be used.
 */
export function takeEarlyUpgrades(server: Server, options: EarlyUpgradeOptions): (() => void) | undefined {
  if (!hasHandles() || !hasHollowSockets() || !hasHeaderLines()) return undefined
  const upgrades = new EarlyUpgrades(server, options)
  return upgrades.begin() ? () => upgrades.giveAll() : undefined
}

class EarlyUpgrades {
  readonly #server: Server
  readonly #options: EarlyUpgradeOptions
  readonly #knownHeads = new KnownHeads()
  /** Connections without a request, the oldest first, with the time at which they came. */
  readonly #waiting = new Map<StreamHandle, number>()
  /** One function for all handles, because a closure or a property would cost each connection its memory. */
  readonly #onRead: (this: StreamHandle, bytes?: ArrayBuffer) => void
  #giveOn: GiveOn = () => {}
  #timer: Timer | undefined
  /** The number of times that the timer has ended. */
  #ticks = 0

  constructor(server: Server, options: EarlyUpgradeOptions) {
    this.#server = server
    this.#options = options
    const received = (handle: StreamHandle, bytes: ArrayBuffer | undefined): void => this.#received(handle, bytes)
    this.#onRead = function (bytes) {
      received(this, bytes)
    }
  }

  begin(): boolean {
    const giveOn = takeConnections(this.#server, (handle) => this.#take(handle))
    if (giveOn === undefined) return false
    this.#giveOn = giveOn
    return true
  }

  giveAll(): void {
    const handles = Array.from(this.#waiting.keys())
    this.#waiting.clear()
    for (let at = 0; at < handles.length; at += 1) this.#give(handles[at]!)
  }

  #take(handle: StreamHandle): void {
    if (this.#server.maxConnections != null || !this.#options.mayTake()) {
      this.#giveOn(handle)
      return
    }
    handle.onread = this.#onRead
    if (handle.readStart() !== 0) {
      this.#give(handle)
      return
    }
    this.#waiting.set(handle, this.#ticks)
    this.#timer ??= this.#startTimer()
  }

  #received(handle: StreamHandle, buffer: ArrayBuffer | undefined): void {
    const length = streamWrap!.streamBaseState[streamWrap!.kReadBytesOrError]!
    if (length === 0) return
    this.#waiting.delete(handle)
    if (length < 0 || buffer === undefined) {
      // The peer has left without a request.
      handle.close()
      return
    }
    const bytes = new Uint8Array(buffer, 0, length)
    const handshake = this.#options.mayTake() ? this.#handshakeIn(handle, bytes) : undefined
    try {
      if (handshake !== undefined) this.#options.upgrade(handshake)
    } finally {
      if (handshake?.isAccepted !== true) this.#give(handle, bytes)
    }
  }

  /** The handshake that these bytes are, if the server need not have them. */
  #handshakeIn(handle: StreamHandle, bytes: Uint8Array): Handshake | undefined {
    const read = this.#readHead(bytes)
    if (read === undefined) return undefined
    const { head, length } = read
    // The program may change the array of the request.
    const fields = head.fields.slice()
    if (!isUpgrade(head, fields)) return undefined
    return new Handshake(handle, this.#server, requestOf(head, fields), Buffer.from(bytes.subarray(length)))
  }

  #readHead(bytes: Uint8Array): { readonly head: RequestHead; readonly length: number } | undefined {
    const known = this.#knownHeads.find(bytes, 0, bytes.length)
    if (known !== undefined) return { head: known, length: bytes.length }
    const parser = new HeadParser(requestForm, limits)
    try {
      const length = parser.receive(bytes, 0, bytes.length)
      const { head } = parser
      if (head === undefined) return undefined
      if (length === bytes.length) this.#knownHeads.miss(bytes, 0, length, head)
      return { head, length }
    } catch (error) {
      if (error instanceof HandshakeError) return undefined
      throw error
    }
  }

  #give(handle: StreamHandle, bytes?: Uint8Array): void {
    handle.readStop()
    this.#giveOn(handle)
    if (bytes !== undefined) socketOf(handle)?.emit('data', Buffer.from(bytes.buffer, 0, bytes.length))
  }

  #startTimer(): Timer {
    const timer = startTimer(() => this.#tick(), patienceMs)
    // The connections keep the process alive.
    timer.unref()
    return timer
  }

  #tick(): void {
    this.#ticks += 1
    for (const { 0: handle, 1: came } of this.#waiting) {
      if (came + 1 >= this.#ticks) break
      this.#waiting.delete(handle)
      this.#give(handle)
    }
    this.#timer = this.#waiting.size > 0 ? this.#startTimer() : undefined
  }
}

class Handshake implements EarlyUpgrade {
  readonly request: IncomingMessage
  readonly head: Buffer
  readonly #handle: StreamHandle
  readonly #server: Server
  isAccepted = false

  constructor(handle: StreamHandle, server: Server, request: IncomingMessage, head: Buffer) {
    this.request = request
    this.head = head
    this.#handle = handle
    this.#server = server
  }

  accept(answer: string): Socket {
    this.isAccepted = true
    this.#handle.readStop()
    const socket = earlySocket(this.#handle, this.#server, Buffer.from(answer, 'latin1'), this.head)
    const open = this.request as unknown as OpenRequest
    open.socket = socket
    open.client = socket
    return socket
  }
}

/** Whether every server takes a request for an upgrade to WebSocket, without a body. */
function isUpgrade({ method, target, version }: RequestHead, fields: readonly string[]): boolean {
  if (method !== 'GET' || version !== '1.1' || !target.startsWith('/')) return false
  let hosts = 0
  let connections = 0
  let protocols = 0
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!.toLowerCase()
    const value = fields[at + 1]!
    if (excluded.has(name)) return false
    if (name === 'host') {
      hosts += 1
    } else if (name === 'connection') {
      if (!upgrades.test(value)) return false
      connections += 1
    } else if (name === 'upgrade') {
      if (value.toLowerCase() !== 'websocket') return false
      protocols += 1
    }
  }
  return hosts === 1 && connections === 1 && protocols === 1
}

/** A request in the state in which node:http hands out an upgrade. */
function requestOf({ method, target }: RequestHead, fields: string[]): IncomingMessage {
  const request = new IncomingMessage(null as unknown as Socket)
  const open = request as unknown as OpenRequest
  request.httpVersion = '1.1'
  open.httpVersionMajor = 1
  open.httpVersionMinor = 1
  open.joinDuplicateHeaders = null
  request.url = target
  request.method = method
  open.upgrade = true
  open.parser = null
  open._addHeaderLines(fields, fields.length)
  request.complete = true
  request.push(null)
  return request
}

function hasHeaderLines(): boolean {
  return typeof (IncomingMessage.prototype as unknown as Partial<OpenRequest>)._addHeaderLines === 'function'
}

/** The socket that a server has just made for a handle. */
function socketOf(handle: StreamHandle): Socket | undefined {
  const slots = handle as unknown as Record<symbol, unknown>
  for (const key of Object.getOwnPropertySymbols(handle)) {
    const value = slots[key]
    if (value instanceof Socket) return value
  }
  return undefined
}
