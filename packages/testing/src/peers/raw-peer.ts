import type { Connector } from '../../../twoway/dist/ports/connector.js'
import type { Transport, TransportSink } from '../../../twoway/dist/ports/transport.js'
import { concat } from '../bytes.js'
import { readFrame } from '../read-frame.js'

/** A client over any network of the tests that sends any bytes and keeps everything it receives. */
export class RawPeer implements TransportSink {
  readonly #transport: Transport
  #buffer: Uint8Array = new Uint8Array(1024)
  #length = 0
  readonly #frames: string[] = []
  #framesEnd = 0
  #hasEnded = false
  #isClosed = false
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = []

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

  /** Resolves with the head of the response to the handshake. */
  async head(): Promise<string> {
    await this.until(() => this.#headEnd() > 0)
    return Buffer.from(this.#received().subarray(0, this.#headEnd())).toString('latin1')
  }

  get receivedBytes(): number {
    return this.#length
  }

  /** Everything that was received, as text. */
  get text(): string {
    return Buffer.from(this.#received()).toString()
  }

  /** The frames received after the head, each as its opcode and its payload in hex. */
  get frames(): readonly string[] {
    if (this.#framesEnd === 0) this.#framesEnd = this.#headEnd()
    if (this.#framesEnd > 0) while (this.#readFrame()) {}
    return this.#frames
  }

  /** Resolves with the frames once there are at least `count`. */
  async framesOf(count: number): Promise<readonly string[]> {
    await this.until(() => this.frames.length >= count)
    return this.frames
  }

  /** Resolves once the server has ended its side of the connection. */
  get inputEnded(): Promise<void> {
    return this.until(() => this.#hasEnded || this.#isClosed)
  }

  /** Resolves once the connection is closed. */
  get gone(): Promise<void> {
    return this.until(() => this.#isClosed)
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ holds, resolve })
      this.#settle()
    })
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start
    if (length > this.#buffer.length) {
      const buffer = new Uint8Array(2 * length)
      buffer.set(this.#received())
      this.#buffer = buffer
    }
    this.#buffer.set(bytes.subarray(start, end), this.#length)
    this.#length = length
    this.#settle()
  }

  drained(): void {}

  ended(): void {
    this.#hasEnded = true
    this.#settle()
  }

  closed(): void {
    this.#isClosed = true
    this.#settle()
  }

  #received(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  #headEnd(): number {
    const at = Buffer.from(this.#received().subarray(0, 4096)).indexOf('\r\n\r\n')
    return at < 0 ? 0 : at + 4
  }

  #readFrame(): boolean {
    const frame = readFrame(this.#received(), this.#framesEnd)
    if (frame === undefined) return false
    this.#frames.push(`${frame.opcode} ${frame.payload.toString('hex')}`)
    this.#framesEnd = frame.end
    return true
  }

  #settle(): void {
    this.#waiting = this.#waiting.filter(({ holds, resolve }) => {
      if (!holds()) return true
      resolve()
      return false
    })
  }
}
