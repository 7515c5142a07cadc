import type { Connector } from '../../../twoway/dist/ports/connector.js'
import type { Transport, TransportSink } from '../../../twoway/dist/ports/transport.js'
import { concat, toHex, utf8 } from '../bytes.js'

/** The request of an opening handshake that keeps every rule, with further header lines. */
export function handshakeRequest(target = '/', ...lines: readonly string[]): Uint8Array {
  const fields = [
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    ...lines,
  ]
  return utf8(`GET ${target} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`)
}

/** A peer that sends whatever octets it is told to, and keeps all that it receives. */
export class RawPeer implements TransportSink {
  readonly #transport: Transport
  #room: Uint8Array = new Uint8Array(1024)
  #length = 0
  readonly #frames: string[] = []
  #framesEnd = 0
  #hasEnded = false
  #isClosed = false
  #waiting: { readonly isThere: () => boolean; readonly resolve: () => void }[] = []

  constructor(connector: Connector, target: Parameters<Connector['connect']>[0]) {
    this.#transport = connector.connect(target)
    this.#transport.start(this)
  }

  send(...parts: readonly Uint8Array[]): void {
    this.#transport.write(concat(...parts))
  }

  pause(): void {
    this.#transport.pause()
  }

  resume(): void {
    this.#transport.resume()
  }

  end(): void {
    this.#transport.end()
  }

  destroy(): void {
    this.#transport.destroy()
  }

  /** The head of the answer to a handshake, as text. */
  async head(): Promise<string> {
    await this.until(() => this.#headEnd > 0)
    return Buffer.from(this.#received.subarray(0, this.#headEnd)).toString('latin1')
  }

  get receivedBytes(): number {
    return this.#length
  }

  /** All that came, as text. */
  get text(): string {
    return Buffer.from(this.#received).toString()
  }

  /** The unmasked frames that came behind the head: opcode, and payload in hex. */
  get frames(): readonly string[] {
    if (this.#framesEnd === 0) this.#framesEnd = this.#headEnd
    if (this.#framesEnd > 0) while (this.#readFrame()) {}
    return this.#frames
  }

  /** Resolves once `count` frames came, with them. */
  async framesOf(count: number): Promise<readonly string[]> {
    await this.until(() => this.frames.length >= count)
    return this.frames
  }

  /** Resolves once the other side has ended its sending side. */
  get otherSideEnded(): Promise<void> {
    return this.until(() => this.#hasEnded || this.#isClosed)
  }

  /** Resolves once the connection is gone. */
  get gone(): Promise<void> {
    return this.until(() => this.#isClosed)
  }

  until(isThere: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ isThere, resolve })
      this.#look()
    })
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start
    if (length > this.#room.length) this.#room = concat(this.#room, new Uint8Array(length))
    this.#room.set(bytes.subarray(start, end), this.#length)
    this.#length = length
    this.#look()
  }

  drained(): void {}

  ended(): void {
    this.#hasEnded = true
    this.#look()
  }

  closed(): void {
    this.#isClosed = true
    this.#look()
  }

  get #received(): Uint8Array {
    return this.#room.subarray(0, this.#length)
  }

  get #headEnd(): number {
    const at = Buffer.from(this.#received.subarray(0, 4096)).indexOf('\r\n\r\n')
    return at < 0 ? 0 : at + 4
  }

  #readFrame(): boolean {
    const bytes = this.#received.subarray(this.#framesEnd)
    if (bytes.length < 2) return false
    const short = bytes[1]! & 0x7f
    const header = short < 126 ? 2 : short === 126 ? 4 : 10
    if (bytes.length < header) return false
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2))
    if (bytes.length < header + length) return false
    this.#frames.push(`${bytes[0]! & 0x0f} ${toHex(bytes.subarray(header, header + length))}`)
    this.#framesEnd += header + length
    return true
  }

  #look(): void {
    this.#waiting = this.#waiting.filter(({ isThere, resolve }) => {
      if (!isThere()) return true
      resolve()
      return false
    })
  }
}
