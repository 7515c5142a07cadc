import { randomBytes } from 'node:crypto'
import { constants, deflateRawSync } from 'node:zlib'
import { frame, opcodes } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'
import type { Dialect } from './dialect.js'
import type { Content } from './load.js'

/** RSV1 marks a compressed message, RFC 7692 §6. */
export const compressedBit = 0x40

/** The request that opens a connection, RFC 6455 §4.1. It offers compression in the way that browsers do. */
export function openingRequest(port: number, compressed: boolean, dialect?: Dialect['client']): Buffer {
  return Buffer.from(
    request(
      requestLines(port, {
        'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
        'Sec-WebSocket-Protocol': dialect?.protocol,
        'Sec-WebSocket-Extensions': compressed ? 'permessage-deflate; client_max_window_bits' : undefined,
      }),
      `GET ${dialect?.path ?? '/'} HTTP/1.1`,
    ),
    'latin1',
  )
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

/** A payload of exactly `bytes` bytes: the sentence repeated, and full stops where a character would be cut. */
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
      return frame({
        opcode: index > 0 ? opcodes.continuation : content === 'binary' ? opcodes.binary : opcodes.text,
        fin: index === fragments - 1,
        reservedBits: compressed && index === 0 ? 4 : 0,
        masked,
        payload: part,
      })
    }),
  )
}

/** Compressed without a history and with the smallest window, so that it is valid for any agreed parameters; without the tail of §7.2.1. */
function deflate(payload: Buffer): Buffer {
  const { Z_SYNC_FLUSH } = constants
  return deflateRawSync(payload, { windowBits: 9, finishFlush: Z_SYNC_FLUSH }).subarray(0, -4)
}
