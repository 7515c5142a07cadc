/**
 * Sends one huge message through an echo that streams both ways, and prints how much memory the server took above what
 * it had at its start: `node huge-message.js [MiB]`.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'

const mebibyte = 1 << 20

export interface HugeMessageResult {
  readonly octets: number
  readonly echoedOctets: number
  readonly grownBytes: number
  readonly seconds: number
}

/** One binary message of so many octets in one frame, masked, and the echo of it counted frame by frame. */
export async function echoHugeMessage(octets: number): Promise<HugeMessageResult> {
  const server = fork(fileURLToPath(new URL('huge-message-server.js', import.meta.url)))
  try {
    const [{ port }] = (await once(server, 'message')) as [{ readonly port: number }]
    const begun = performance.now()
    const echoedOctets = await talk(port, octets)
    const seconds = (performance.now() - begun) / 1000
    server.send('stop')
    const [{ grownBytes }] = (await once(server, 'message')) as [{ readonly grownBytes: number }]
    return { octets, echoedOctets, grownBytes, seconds }
  } finally {
    server.kill()
  }
}

async function talk(port: number, octets: number): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  const [head] = (await once(socket, 'data')) as [Buffer]
  if (!head.toString('latin1').startsWith('HTTP/1.1 101 ')) throw new Error(`refused: ${head}`)
  const counted = countEcho(socket)
  const header = Buffer.alloc(14)
  header.writeUInt8(0x82, 0)
  header.writeUInt8(0x80 | 127, 1)
  header.writeBigUInt64BE(BigInt(octets), 2)
  socket.write(header)
  const chunk = Buffer.alloc(64 << 10, 'x')
  for (let sent = 0; sent < octets; sent += chunk.length) {
    if (!socket.write(chunk.subarray(0, Math.min(chunk.length, octets - sent)))) await once(socket, 'drain')
  }
  const echoed = await counted
  socket.destroy()
  return echoed
}

/** Reads unmasked frames up to the end of a message, and returns the octets of their payloads, each of which must be an x. */
function countEcho(socket: NodeJS.ReadableStream): Promise<number> {
  return new Promise((resolve, reject) => {
    let rest: Buffer = Buffer.alloc(0)
    let remaining = 0
    let total = 0
    let fin = false
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      rest = Buffer.alloc(0)
      while (bytes.length > 0) {
        if (remaining === 0) {
          const short = bytes.length < 2 ? 127 : bytes[1]!
          const size = short < 126 ? 2 : short === 126 ? 4 : 10
          if (bytes.length < size) {
            rest = bytes
            return
          }
          fin = bytes[0]! >= 0x80
          remaining = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
          bytes = bytes.subarray(size)
        }
        const payload = bytes.subarray(0, remaining)
        if (payload.length > 0 && (payload[0] !== 0x78 || payload.at(-1) !== 0x78))
          reject(new Error('not what was sent'))
        remaining -= payload.length
        total += payload.length
        bytes = bytes.subarray(payload.length)
        if (remaining === 0 && fin) resolve(total)
      }
    })
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { octets, echoedOctets, grownBytes, seconds } = await echoHugeMessage(
    Number(process.argv[2] ?? 1024) * mebibyte,
  )
  const rate = octets / mebibyte / seconds
  console.log(`${octets / mebibyte} MiB echoed in ${seconds.toFixed(1)} s (${rate.toFixed(0)} MiB/s)`)
  console.log(`the server took at most ${(grownBytes / mebibyte).toFixed(1)} MiB above its start`)
  if (echoedOctets !== octets || grownBytes > 64 * mebibyte) process.exitCode = 1
}
