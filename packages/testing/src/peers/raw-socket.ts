import { connect, type Socket } from 'node:net'
import { type ReceivedFrame, readFrame } from '../read-frame.js'
import { request, requestLines } from './handshake-request.js'

export interface RawSocketOptions {
  readonly host?: string
  /** The number of latest frames that are kept; 8 by default, so that a flood takes no memory. */
  readonly keptFrames?: number
}

/**
 * A client on a socket of Node's own that sends any bytes and follows no rule of the protocol. It shares no code with
 * the library, so that a fault of the library's transport cannot hide itself. `RawPeer` does the same over any network.
 */
export class RawSocket {
  readonly socket: Socket
  /** Bytes that arrived after the head of the response. */
  receivedBytes = 0
  /** The number of frames that arrived, by opcode. */
  readonly counts = new Map<number, number>()
  /** The latest frames. */
  readonly frames: ReceivedFrame[] = []
  /** The head of the response, without the empty line. */
  head = ''
  isClosed = false
  error: Error | undefined
  readonly #keptFrames: number
  #rest: Buffer = Buffer.alloc(0)
  #waiting: (() => void)[] = []

  constructor(port: number, { host = '127.0.0.1', keptFrames = 8 }: RawSocketOptions = {}) {
    this.#keptFrames = keptFrames
    this.socket = connect({ port, host, noDelay: true })
    this.socket.on('data', (bytes) => {
      this.#receive(bytes)
      this.#wake()
    })
    this.socket.on('error', (error) => {
      this.error = error
    })
    this.socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
  }

  /** Opens a connection. Resolves with undefined if the server refuses the handshake or does not respond in time. */
  static async open(port: number, withinMs = 5000, lines = requestLines(port)): Promise<RawSocket | undefined> {
    const peer = new RawSocket(port)
    peer.send(request(lines))
    await peer.until(() => peer.head !== '', withinMs)
    if (peer.status === 101) return peer
    peer.destroy()
    return undefined
  }

  /** The status of the response, or 0 before it arrives. */
  get status(): number {
    return Number(/^HTTP\/1\.\d (\d+)/.exec(this.head)?.[1] ?? 0)
  }

  /** The status code of the received Close: 1005 for an empty one, 0 before one arrives. */
  get closeCode(): number {
    const close = this.frames.findLast(({ opcode }) => opcode === 8)
    if (close === undefined) return 0
    return close.payload.length < 2 ? 1005 : close.payload.readUInt16BE()
  }

  count(opcode: number): number {
    return this.counts.get(opcode) ?? 0
  }

  send(bytes: string | Uint8Array): boolean {
    return this.socket.write(bytes)
  }

  /** Sends, and resolves once the network has taken the bytes: true, or false if the connection is gone. */
  async sendInTurn(bytes: Uint8Array): Promise<boolean> {
    if (this.isClosed) return false
    if (this.socket.write(bytes)) return true
    return new Promise((resolve) => {
      const settle = (): void => {
        this.socket.off('drain', settle)
        this.socket.off('close', settle)
        resolve(!this.isClosed && !this.socket.destroyed)
      }
      this.socket.once('drain', settle)
      this.socket.once('close', settle)
    })
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** Takes the oldest frame that is kept, and waits for it first; rejects if the connection ends before one arrives. */
  async nextFrame(withinMs = 30_000): Promise<ReceivedFrame> {
    if (await this.until(() => this.frames.length > 0, withinMs)) return this.frames.shift()!
    throw new Error(this.isClosed ? 'the connection ended' : `no frame arrived within ${withinMs} ms`)
  }

  /** Resolves once the condition holds, the time is over or the connection is gone, with whether the condition holds. */
  until(condition: () => boolean, withinMs: number): Promise<boolean> {
    if (condition() || this.isClosed) return Promise.resolve(condition())
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#waiting = this.#waiting.filter((each) => each !== check)
        resolve(condition())
      }
      const check = (): void => {
        if (condition() || this.isClosed) settle()
      }
      const timer = setTimeout(settle, withinMs)
      this.#waiting.push(check)
    })
  }

  untilClosed(withinMs: number): Promise<boolean> {
    return this.until(() => this.isClosed, withinMs)
  }

  #receive(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    if (this.head === '') {
      const end = rest.indexOf('\r\n\r\n')
      if (end >= 0) {
        this.head = rest.toString('latin1', 0, end)
        rest = rest.subarray(end + 4)
        this.receivedBytes += rest.length
      }
    } else {
      this.receivedBytes += bytes.length
    }
    if (this.status === 101) rest = rest.subarray(this.#receiveFrames(rest))
    this.#rest = rest
  }

  /** Returns the position behind the last complete frame. */
  #receiveFrames(bytes: Buffer): number {
    let at = 0
    for (let frame = readFrame(bytes); frame !== undefined; frame = readFrame(bytes, at)) {
      this.counts.set(frame.opcode, this.count(frame.opcode) + 1)
      if (this.frames.length === this.#keptFrames) this.frames.shift()
      this.frames.push(frame)
      at = frame.end
    }
    return at
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check()
  }
}
