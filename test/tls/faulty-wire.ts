import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { WireFault } from './sequence.js'

const headBytes = 5

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** Unexpected records in plain text. Most of them must end the connection at any time. */
const strays: readonly Buffer[] = [
  bytes('15 0303 0002 0100'), // a warning: close_notify
  bytes('15 0303 0002 0228'), // a fatal alert: handshake_failure
  bytes('15 0303 0002 015a'), // a warning: user_canceled
  bytes('15 0303 0002 0164'), // a warning: no_renegotiation
  Buffer.concat(Array.from({ length: 50 }, () => bytes('15 0303 0002 015a'))),
  bytes('15 0303 0001 02'), // half an alert
  bytes('14 0303 0001 01'), // ChangeCipherSpec
  bytes('16 0303 0004 00000000'), // HelloRequest
  bytes('16 0303 0004 0e000000'), // ServerHelloDone
  bytes('16 0303 0005 1800000101'), // KeyUpdate
  bytes('16 0301 0006 0100ffffff 03'), // a ClientHello of 16 MiB
  Buffer.concat([bytes('17 0303 0100'), Buffer.alloc(256, 0xab)]),
  Buffer.concat(Array.from({ length: 50 }, () => bytes('17 0303 0000'))), // no data at all
  Buffer.concat([bytes('17 0303 ffff'), Buffer.alloc(1000)]), // longer than a record may be
  bytes('18 0303 0003 014000'), // a heartbeat that asks for more than it sends
  bytes('80 2e 01 0002 0015 0000 0010'), // SSL 2
  Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
]

/** A pair of sockets that are connected to each other. */
export async function socketPair(): Promise<readonly [Socket, Socket]> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const accepted = once(listener, 'connection') as Promise<[Socket]>
  const { port } = listener.address() as AddressInfo
  const near = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true }).on('error', () => {})
  const [far] = await accepted
  listener.close()
  return [near, far.on('error', () => {})]
}

/**
 * The network between a TLS peer and the other side: it passes the peer's records on, changed by the faults for them,
 * and passes the other side's bytes back unchanged.
 */
export class FaultyWire {
  readonly #outer: Socket
  readonly #inner: Socket
  readonly #faults: readonly WireFault[]
  /** The number of sealed records sent since the other side's first one: for a server those after its handshake. */
  sealedSinceAnswer = 0
  #record = 0
  #partial: Buffer = Buffer.alloc(0)
  #held: Buffer | undefined
  #isSwallowing = false
  #isAnswered = false
  /** The wire delivers no bytes back any more. */
  readonly ended: Promise<void>

  /**
   * @param inner the other end of the peer's socket
   * @param outer the connection to the other side
   */
  constructor(inner: Socket, outer: Socket, faults: readonly WireFault[]) {
    this.#inner = inner
    this.#outer = outer
    this.#faults = faults
    inner.on('data', (chunk) => this.#take(chunk))
    inner.on('end', () => outer.end())
    inner.on('close', () => outer.destroy())
    outer.on('data', (chunk) => {
      if (!this.#isAnswered && (chunk[0] === 20 || chunk[0] === 23)) {
        this.#isAnswered = true
        this.sealedSinceAnswer = 0
      }
      if (inner.writable) inner.write(chunk)
    })
    outer.on('end', () => inner.end())
    this.ended = new Promise((resolve) => {
      outer.once('end', resolve).once('close', resolve)
    })
    outer.on('error', () => {})
    outer.on('close', () => inner.destroy())
  }

  get isGone(): boolean {
    return this.#outer.destroyed
  }

  /** Ends the sending side of TCP. */
  end(): void {
    this.#outer.end()
  }

  reset(): void {
    this.#outer.resetAndDestroy()
  }

  /** Stops reading from the other side. */
  pause(): void {
    this.#outer.pause()
  }

  destroy(): void {
    this.#outer.destroy()
    this.#inner.destroy()
  }

  #take(chunk: Buffer): void {
    this.#partial = this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk])
    while (this.#partial.length >= headBytes) {
      const end = headBytes + this.#partial.readUInt16BE(3)
      if (this.#partial.length < end) break
      this.#send(this.#partial.subarray(0, end))
      this.#partial = this.#partial.subarray(end)
    }
  }

  /** Sends bytes of a peer that writes its records itself. */
  pass(record: Uint8Array): void {
    if (!this.#isSwallowing && this.#outer.writable) this.#outer.write(record)
  }

  #send(record: Buffer): void {
    if (record[0] === 23) this.sealedSinceAnswer += 1
    const fault = this.#faults.find((each) => each.record === this.#record)
    this.#record += 1
    if (fault === undefined) this.pass(record)
    else this.#spoil(record, fault)
    if (this.#held !== undefined && fault?.kind !== 'swap') {
      this.pass(this.#held)
      this.#held = undefined
    }
  }

  #spoil(record: Buffer, { kind, value }: WireFault): void {
    const at = value % record.length
    if (kind === 'cut') {
      this.pass(record.subarray(0, at))
      setImmediate(() => this.pass(record.subarray(at)))
    } else if (kind === 'dribble') {
      for (const byte of record) this.pass(Buffer.of(byte))
    } else if (kind === 'repeat') {
      this.pass(record)
      this.pass(record)
    } else if (kind === 'corrupt') {
      const changed = Buffer.from(record)
      changed[at]! ^= 1 << (value % 8)
      this.pass(changed)
    } else if (kind === 'inject') {
      this.pass(strays[value % strays.length]!)
      this.pass(record)
    } else if (kind === 'swap') {
      this.#held = record
    } else if (kind === 'end' || kind === 'reset') {
      this.pass(record.subarray(0, at))
      if (kind === 'end') this.#outer.end()
      else this.#outer.resetAndDestroy()
    } else if (kind === 'swallow') {
      this.pass(record.subarray(0, at))
      this.#isSwallowing = true
    }
  }
}
