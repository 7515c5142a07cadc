/**
 * Sends one huge message through an echo that streams both ways, uncompressed and compressed, and prints how much memory the
 * server used beyond that at its start: `node huge-message.js [MiB]`.
 */

import { fork } from 'node:child_process'
import { createHash, type Hash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import { clientFrame, type FrameForm, opcodes } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'

const mebibyte = 1 << 20

export interface HugeMessageResult {
  readonly length: number
  /** Whether the echo equals the message. */
  readonly isSame: boolean
  /** The received bytes of payload, before inflation. */
  readonly wireBytes: number
  readonly grownBytes: number
  readonly seconds: number
}

/** A destination for the bytes of a message, or for the payloads of its frames. */
interface ByteSink {
  /** Resolves when there is room for more. */
  write(bytes: Buffer): Promise<void>
  end(): Promise<void>
}

/** Sends one binary message with a masking key of zeros, and compares its echo. The length is a multiple of 1 MiB. */
export async function echoHugeMessage(length: number, compress: boolean): Promise<HugeMessageResult> {
  const server = fork(fileURLToPath(new URL('huge-message-server.js', import.meta.url)))
  try {
    const [{ port }] = (await once(server, 'message')) as [{ readonly port: number }]
    const begun = performance.now()
    const { isSame, wireBytes } = await talk(port, length, compress)
    const seconds = (performance.now() - begun) / 1000
    server.send('stop')
    const [{ grownBytes }] = (await once(server, 'message')) as [{ readonly grownBytes: number }]
    return { length, isSame, wireBytes, grownBytes, seconds }
  } finally {
    server.kill()
  }
}

async function talk(
  port: number,
  length: number,
  compress: boolean,
): Promise<Pick<HugeMessageResult, 'isSame' | 'wireBytes'>> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const offer = compress ? 'permessage-deflate' : undefined
  socket.write(request(requestLines(port, { 'Sec-WebSocket-Extensions': offer })))
  const [head] = (await once(socket, 'data')) as [Buffer]
  if (!head.toString('latin1').startsWith('HTTP/1.1 101 ')) throw new Error(`refused: ${head}`)
  const received = createHash('sha256')
  const echoed = readMessage(socket, compress, received)
  const sent = createHash('sha256')
  const frames = oneFrame(socket, length)
  await writeMessage(compress ? deflated(fragments(socket)) : frames, length, sent)
  const wireBytes = await echoed
  socket.destroy()
  return { isSame: received.digest('hex') === sent.digest('hex'), wireBytes }
}

/** Writes digits, different in each MiB, which compress to half their length. */
async function writeMessage(sink: ByteSink, length: number, hash: Hash): Promise<void> {
  const digits = Buffer.from(randomBytes(mebibyte / 2).toString('hex'))
  for (let sent = 0; sent < length; sent += mebibyte) {
    digits.write(String(sent))
    hash.update(digits)
    for (let at = 0; at < mebibyte; at += 64 << 10) await sink.write(digits.subarray(at, at + (64 << 10)))
  }
  await sink.end()
}

function oneFrame(socket: Socket, length: number): ByteSink {
  let hasBegun = false
  return {
    async write(bytes) {
      if (!hasBegun) socket.write(frameHeader(opcodes.binary, length))
      hasBegun = true
      if (!socket.write(Buffer.from(bytes))) await once(socket, 'drain')
    },
    async end() {},
  }
}

/** Writes each piece as a frame of a compressed message. */
function fragments(socket: Socket): ByteSink {
  let isFirst = true
  return {
    async write(bytes) {
      const form = { fin: false, reservedBits: isFirst ? 4 : 0 }
      socket.write(frameHeader(isFirst ? opcodes.binary : opcodes.continuation, bytes.length, form))
      isFirst = false
      if (!socket.write(bytes)) await once(socket, 'drain')
    },
    async end() {
      // An empty block without its tail, RFC 7692 §7.2.3.6: all earlier data has been flushed.
      socket.write(frameHeader(opcodes.continuation, 1))
      socket.write(Buffer.of(0))
    },
  }
}

function deflated(sink: ByteSink): ByteSink {
  const stream = createDeflateRaw({ level: 1 })
  const packed: Buffer[] = []
  stream.on('data', (bytes: Buffer) => packed.push(bytes))
  return {
    async write(bytes) {
      stream.write(Buffer.from(bytes))
      await new Promise<void>((resolve) => stream.flush(constants.Z_SYNC_FLUSH, resolve))
      await sink.write(Buffer.concat(packed.splice(0)))
    },
    end: () => sink.end(),
  }
}

/** The header of a frame whose payload follows piece by piece. A masking key of zeros leaves the payload unchanged. */
function frameHeader(opcode: number, length: number, form: FrameForm = {}): Uint8Array {
  return clientFrame(opcode, '', { maskingKey: new Uint8Array(4), length, ...form })
}

/** Reads the unmasked frames of a message, hashes its content, and resolves with the total length of the payloads. */
async function readMessage(socket: Socket, isCompressed: boolean, hash: Hash): Promise<number> {
  if (!isCompressed) return readFrames(socket, async (bytes) => void hash.update(bytes))
  const inflate = createInflateRaw()
  inflate.on('data', (bytes: Buffer) => hash.update(bytes))
  const write = (bytes: Buffer): Promise<void> =>
    new Promise((resolve, reject) => inflate.write(bytes, (error) => (error ? reject(error) : resolve())))
  const length = await readFrames(socket, write)
  await write(Buffer.of(0, 0, 0xff, 0xff))
  return length
}

async function readFrames(socket: Socket, take: (payload: Buffer) => Promise<void>): Promise<number> {
  let rest: Buffer = Buffer.alloc(0)
  let remaining = 0
  let total = 0
  let fin = false
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    rest = Buffer.alloc(0)
    while (bytes.length > 0) {
      if (remaining === 0) {
        const short = bytes.length < 2 ? 127 : bytes[1]!
        const size = short < 126 ? 2 : short === 126 ? 4 : 10
        if (bytes.length < size) {
          rest = bytes
          break
        }
        fin = bytes[0]! >= 0x80
        remaining = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
        bytes = bytes.subarray(size)
      }
      const payload = bytes.subarray(0, remaining)
      await take(payload)
      remaining -= payload.length
      total += payload.length
      bytes = bytes.subarray(payload.length)
      if (remaining === 0 && fin) return total
    }
  }
  throw new Error(`the connection ended after ${total} bytes`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mebibytes = Number(process.argv[2] ?? 1024)
  for (const compress of [false, true]) {
    const { isSame, wireBytes, grownBytes, seconds } = await echoHugeMessage(mebibytes * mebibyte, compress)
    const rate = (mebibytes / seconds).toFixed(0)
    const how = compress ? `compressed to ${(wireBytes / mebibyte).toFixed(0)} MiB ` : ''
    console.log(`${mebibytes} MiB ${how}echoed in ${seconds.toFixed(1)} s (${rate} MiB/s)`)
    console.log(`the server took at most ${(grownBytes / mebibyte).toFixed(1)} MiB above its start`)
    if (!isSame || grownBytes > 64 * mebibyte) process.exitCode = 1
  }
}
