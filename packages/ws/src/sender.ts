import { randomFillSync } from 'node:crypto'
import { toBuffer } from './data.js'

export type Callback = (error?: Error) => void

/** A WebSocket, as its sender sees it. */
export interface FrameTarget {
  sendFrame(opcode: number, fin: boolean, payload: Buffer, callback: Callback | undefined): void
}

export interface FrameOptions {
  readonly fin?: boolean
  readonly opcode: number
  readonly rsv1?: boolean
  readonly mask?: boolean
  readonly readOnly?: boolean
  readonly generateMask?: (mask: Buffer) => void
}

/** The part of ws's Sender that packages use: frames that are encoded once and sent to many. */
export class Sender {
  readonly #target: FrameTarget

  constructor(target: FrameTarget) {
    this.#target = target
  }

  /** A frame as a header and a payload, RFC 6455 §5.2. */
  static frame(data: unknown, { fin = true, opcode, rsv1, mask, generateMask }: FrameOptions): Buffer[] {
    const payload = typeof data === 'string' ? Buffer.from(data) : toBuffer(data)
    const { length } = payload
    const lengthBytes = length < 126 ? 0 : length < 1 << 16 ? 2 : 8
    const header = Buffer.alloc(2 + lengthBytes + (mask ? 4 : 0))
    header[0] = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode
    header[1] = (mask ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127)
    if (lengthBytes === 2) header.writeUInt16BE(length, 2)
    else if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(length), 2)
    if (!mask) return [header, payload]
    const key = header.subarray(2 + lengthBytes)
    if (generateMask) generateMask(key)
    else randomFillSync(key)
    return [header, Buffer.from(payload.map((byte, at) => byte ^ key[at & 3]!))]
  }

  /** Sends a frame that was encoded before: in a list of buffers, whose first begins with the header. */
  sendFrame(list: readonly Uint8Array[], callback?: Callback): void {
    const header = toBuffer(list[0])
    const first = header[0]!
    const second = header[1]!
    if ((first & 0x70) !== 0) throw new Error('a frame that is compressed already belongs to another connection')
    const announced = second & 0x7f
    const maskAt = 2 + (announced === 126 ? 2 : announced === 127 ? 8 : 0)
    const payloadAt = maskAt + (second & 0x80 ? 4 : 0)
    const payload = payloadOf(list, header, payloadAt)
    const key = header.subarray(maskAt, payloadAt)
    const plain = key.length === 0 ? payload : Buffer.from(payload.map((byte, at) => byte ^ key[at & 3]!))
    this.#target.sendFrame(first & 0x0f, first >= 0x80, plain, callback)
  }
}

/** The payload without a copy if it is in one buffer, as `Sender.frame` leaves it. */
function payloadOf(list: readonly Uint8Array[], header: Buffer, payloadAt: number): Buffer {
  if (list.length === 1) return header.subarray(payloadAt)
  if (list.length === 2 && payloadAt === header.length) return toBuffer(list[1])
  return Buffer.concat([header.subarray(payloadAt), ...list.slice(1)])
}
