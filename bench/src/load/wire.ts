import { randomBytes } from 'node:crypto'
import { constants, deflateRawSync } from 'node:zlib'
import type { Content } from './load.js'

const opcodes = { continuation: 0, ascii: 1, unicode: 1, json: 1, binary: 2 } as const

/** RSV1 marks a compressed message, RFC 7692 §6. */
export const compressedBit = 0x40

/** The request that opens a connection, RFC 6455 §4.1. Where it is to offer compression, it does so as browsers do. */
export function openingRequest(port: number, compressed: boolean): Buffer {
  const lines = [
    'GET / HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Version: 13',
    ...(compressed ? ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'] : []),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

const sentences: Readonly<Record<Content, string>> = {
  binary: '\u0000\u0001\u007f0123456789abcdef',
  ascii: 'The quick brown fox {"jumps": "over", "lazy": 2} dogs. ',
  unicode: '两端随时自由交谈 🚀, 连接一次建立 over one socket 😀。',
  json: JSON.stringify({
    type: 'trade',
    id: '7f3c9a41-0be2-4d1c-9a57-e1f0c26b8d34',
    symbol: 'BTC-EUR',
    side: 'buy',
    price: 58231.47,
    amount: 0.0185312,
    time: '2026-11-22T09:41:07.318Z',
    sequence: 918273645,
    maker: { id: 'u_58213', name: 'Annette' },
    taker: { id: 'u_90417', name: '李雷' },
    book: [
      [58230.9, 1.25],
      [58231.4, 0.475],
    ],
  }),
}

/** A payload of exactly so many octets: the sentence again and again, and full stops where a character would be cut. */
export function payloadOf(content: Content, bytes: number): Buffer {
  const characters = [...sentences[content]].map((character) => Buffer.from(character))
  const payload = Buffer.alloc(bytes, '.')
  for (let at = 0, index = 0; ; index++) {
    const character = characters[index % characters.length]!
    if (at + character.length > bytes) return payload
    payload.set(character, at)
    at += character.length
  }
}

/** A message as it goes over the wire, §5.2: in one frame or several of about the same length. */
export function messageOf(
  content: Content,
  payload: Buffer,
  { masked = false, fragments = 1, compressed = false } = {},
): Buffer {
  const whole = compressed ? deflate(payload) : payload
  const length = Math.ceil(whole.length / fragments)
  return Buffer.concat(
    Array.from({ length: fragments }, (_, index) => {
      const part = whole.subarray(index * length, (index + 1) * length)
      const opcode = opcodes[index === 0 ? content : 'continuation']
      const bits = (index === fragments - 1 ? 0x80 : 0) | (compressed && index === 0 ? compressedBit : 0)
      return frameOf(bits | opcode, part, masked)
    }),
  )
}

/** By itself and with the smallest window, so that it may be sent whatever was agreed upon; without the end of §7.2.1. */
function deflate(payload: Buffer): Buffer {
  const { Z_SYNC_FLUSH } = constants
  return deflateRawSync(payload, { windowBits: 9, finishFlush: Z_SYNC_FLUSH }).subarray(0, -4)
}

function frameOf(first: number, payload: Buffer, masked: boolean): Buffer {
  const { length } = payload
  const header = Buffer.alloc(length < 126 ? 2 : length < 1 << 16 ? 4 : 10)
  header[0] = first
  header[1] = (masked ? 0x80 : 0) | (length < 126 ? length : length < 1 << 16 ? 126 : 127)
  if (header.length === 4) header.writeUInt16BE(length, 2)
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2)
  if (!masked) return Buffer.concat([header, payload])
  const key = randomBytes(4)
  return Buffer.concat([header, key, payload.map((octet, index) => octet ^ key[index & 3]!)])
}
