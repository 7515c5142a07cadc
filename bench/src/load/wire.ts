import { randomBytes } from 'node:crypto'
import type { Content } from './load.js'

const opcodes = { continuation: 0, ascii: 1, unicode: 1, binary: 2 } as const

/** The request that opens a connection, RFC 6455 §4.1. It offers no extension. */
export function openingRequest(port: number): Buffer {
  const lines = [
    'GET / HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Version: 13',
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

const sentences: Readonly<Record<Content, string>> = {
  binary: '\u0000\u0001\u007f0123456789abcdef',
  ascii: 'The quick brown fox {"jumps": "over", "lazy": 2} dogs. ',
  unicode: '两端随时自由交谈 🚀, 连接一次建立 over one socket 😀。',
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
export function messageOf(content: Content, payload: Buffer, { masked = false, fragments = 1 } = {}): Buffer {
  const length = Math.ceil(payload.length / fragments)
  return Buffer.concat(
    Array.from({ length: fragments }, (_, index) => {
      const part = payload.subarray(index * length, (index + 1) * length)
      const opcode = opcodes[index === 0 ? content : 'continuation']
      return frameOf((index === fragments - 1 ? 0x80 : 0) | opcode, part, masked)
    }),
  )
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
