import { createHash } from 'node:crypto'
import { frame } from '../bytes.js'

/** The response that accepts the handshake with this head, with further fields, followed by frames or a text message. */
export function acceptance(head: string, behind: string | Buffer = 'hello', fields: readonly string[] = []): Buffer {
  const key = /\r\nSec-WebSocket-Key: (.*)\r\n/.exec(head)![1]!
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', ...fields]
  const text = `${[...lines, `Sec-WebSocket-Accept: ${accept}`].join('\r\n')}\r\n\r\n`
  return Buffer.concat([Buffer.from(text), typeof behind === 'string' ? frame({ opcode: 1, payload: behind }) : behind])
}
