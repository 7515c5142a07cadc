import { connect, type Socket } from 'node:net'
import { request, requestLines } from './wire.js'

/** An unmasked frame that came. */
export interface Arrived {
  readonly opcode: number
  readonly payload: Buffer
}

/** A peer that sends whatever octets it is told to, reads when it is told to, and is bound by no rule. */
export class RawSocket {
  readonly socket: Socket
  /** Octets that came behind the head of the answer. */
  receivedBytes = 0
  readonly counts = new Map<number, number>()
  /** The last of the frames that came; more than a few are not kept. */
  readonly arrived: Arrived[] = []
  head = ''
  isClosed = false
  #rest: Buffer = Buffer.alloc(0)
  #waiting: (() => void)[] = []

  constructor(port: number, host = '127.0.0.1') {
    this.socket = connect({ port, host, noDelay: true })
    this.socket.on('data', (bytes) => {
      this.#take(bytes)
      this.#wake()
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
  }

  /** A connection whose handshake was answered, or undefined where it was refused or came to nothing in time. */
  static async open(port: number, withinMs = 5000, lines = requestLines(port)): Promise<RawSocket | undefined> {
    const peer = new RawSocket(port)
    peer.send(request(lines))
    await peer.until(() => peer.head !== '', withinMs)
    if (peer.status === 101) return peer
    peer.destroy()
    return undefined
  }

  /** The status of the answer, or 0 where none came. */
  get status(): number {
    return Number(/^HTTP\/1\.\d (\d+)/.exec(this.head)?.[1] ?? 0)
  }

  /** The status code of the Close that came, 1005 for an empty one, or 0 where none came. */
  get closeCode(): number {
    const close = this.arrived.findLast(({ opcode }) => opcode === 8)
    if (close === undefined) return 0
    return close.payload.length < 2 ? 1005 : close.payload.readUInt16BE()
  }

  count(opcode: number): number {
    return this.counts.get(opcode) ?? 0
  }

  send(bytes: string | Uint8Array): boolean {
    return this.socket.write(bytes)
  }

  /** Sends once the network has taken what was sent before, or never where the connection is gone. Resolves with whether. */
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

  /** Resolves with whether it came to be so in time. A connection that is gone changes no more. */
  until(isSo: () => boolean, withinMs: number): Promise<boolean> {
    if (isSo() || this.isClosed) return Promise.resolve(isSo())
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#waiting = this.#waiting.filter((each) => each !== look)
        resolve(isSo())
      }
      const look = (): void => {
        if (isSo() || this.isClosed) settle()
      }
      const timer = setTimeout(settle, withinMs)
      this.#waiting.push(look)
    })
  }

  untilClosed(withinMs: number): Promise<boolean> {
    return this.until(() => this.isClosed, withinMs)
  }

  #take(bytes: Buffer): void {
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
    if (this.status === 101) rest = this.#takeFrames(rest)
    this.#rest = rest
  }

  #takeFrames(bytes: Buffer): Buffer {
    let at = 0
    for (;;) {
      if (bytes.length - at < 2) break
      const short = bytes[at + 1]! & 0x7f
      const header = short < 126 ? 2 : short === 126 ? 4 : 10
      if (bytes.length - at < header) break
      const length =
        short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
      if (bytes.length - at < header + length) break
      const opcode = bytes[at]! & 0x0f
      this.counts.set(opcode, this.count(opcode) + 1)
      if (this.arrived.length === 8) this.arrived.shift()
      this.arrived.push({ opcode, payload: Buffer.from(bytes.subarray(at + header, at + header + length)) })
      at += header + length
    }
    return bytes.subarray(at)
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look()
  }
}
