/**
 * The parts of the library that every message passes through. They are imported by their path, because they are not part
 * of the public API; only echo-turn.ts does the same in this package.
 */

import { FrameParser } from '../../../packages/twoway/dist/core/receiving/frame-parser.js'
import { FrameWriter } from '../../../packages/twoway/dist/core/sending/frame-writer.js'
import { ScratchPool } from '../../../packages/twoway/dist/core/sending/scratch-pool.js'
import { writeFrameHeader } from '../../../packages/twoway/dist/core/sending/write-frame-header.js'
import { createNodeDeflateCodec } from '../../../packages/twoway/dist/runtimes/node/deflate/deflate-codec.js'
import { nodePayload } from '../../../packages/twoway/dist/runtimes/node/payload/payload.js'
import type { Content } from '../load/load.js'
import { messageOf, payloadOf } from '../load/wire.js'
import { type EchoTurn, startEchoTurn } from './echo-turn.js'

/** One subject of measurement: `run` processes one frame, or one read of an echo. */
export interface Subject {
  readonly part: string
  readonly name: string
  /** Called once before the measurement. */
  prepare?(): Promise<void>
  run(): unknown
}

const kib = 1 << 10
const sizes = [
  ['20 B', 20],
  ['1 KiB', kib],
  ['64 KiB', 64 * kib],
  ['1 MiB', 1024 * kib],
] as const

/** Lengths of messages that are compressed without a history. */
const messageSizes = [
  ['306 B json', 306],
  ['1 KiB json', kib],
  ['4 KiB json', 4 * kib],
] as const

const contents: readonly Content[] = ['ascii', 'unicode']

export const subjects: readonly Subject[] = [
  ...sizes.map(([name, bytes]) => parse(name, bytes)),
  ...sizes.map(([name, bytes]) => unmask(name, bytes)),
  ...contents.flatMap((content) => sizes.map(([name, bytes]) => validate(`${name} ${content}`, content, bytes))),
  ...contents.flatMap((content) => sizes.map(([name, bytes]) => decode(`${name} ${content}`, content, bytes))),
  ...contents.flatMap((content) => sizes.map(([name, bytes]) => encode(`${name} ${content}`, content, bytes))),
  ...sizes.map(([name, bytes]) => write(name, payloadOf('binary', bytes), 'server')),
  ...sizes.map(([name, bytes]) => write(`${name} ascii`, payloadOf('ascii', bytes).toString(), 'server')),
  ...sizes.map(([name, bytes]) => write(name, payloadOf('binary', bytes), 'client')),
  ...sizes.map(([name, bytes]) => write(`${name} ascii`, payloadOf('ascii', bytes).toString(), 'client')),
  ...messageSizes.map(([name, bytes]) => compress(name, bytes, true)),
  ...messageSizes.map(([name, bytes]) => compress(name, bytes, false)),
  ...messageSizes.map(([name, bytes]) => inflate(name, bytes)),
  echoTurn('20 B', 'binary', 20, 1),
  echoTurn('16 of 20 B', 'binary', 20, 16),
  echoTurn('1 KiB ascii', 'ascii', kib, 1),
]

/** Each run masks or unmasks the payload and leaves the header unchanged. */
function parse(name: string, bytes: number): Subject {
  const frame = messageOf('binary', payloadOf('binary', bytes), { masked: true })
  const parser = new FrameParser('server', nodePayload)
  return { part: 'parse and unmask', name, run: () => parser.read(frame, 0, frame.length) }
}

function unmask(name: string, bytes: number): Subject {
  const payload = payloadOf('binary', bytes)
  return { part: 'unmask', name, run: () => nodePayload.unmask(payload, 0, bytes, 0x3d21fa37, 0) }
}

function validate(name: string, content: Content, bytes: number): Subject {
  const payload = payloadOf(content, bytes)
  return { part: 'validate UTF-8', name, run: () => nodePayload.validate(0, payload, 0, bytes) }
}

function decode(name: string, content: Content, bytes: number): Subject {
  const payload = payloadOf(content, bytes)
  return { part: 'decode UTF-8', name, run: () => nodePayload.decode(payload, 0, bytes) }
}

function encode(name: string, content: Content, bytes: number): Subject {
  const text = payloadOf(content, bytes).toString()
  const target = nodePayload.allocate(3 * text.length + 14)
  return {
    part: 'encode a text frame',
    name,
    run() {
      writeFrameHeader(target, 0, 0x81, bytes, undefined)
      return nodePayload.encodeInto(text, target, 10)
    },
  }
}

/** Compression without a history. */
function compress(name: string, bytes: number, isOwn: boolean): Subject {
  const { compressors } = createNodeDeflateCodec(true, isOwn)
  const source = compressors({ windowBits: 15, takeover: false, level: 6, memLevel: 8 })
  const payload = payloadOf('json', bytes)
  return {
    part: `compress by ${isOwn ? 'WebAssembly' : 'zlib'}`,
    name,
    run() {
      const compressor = source.take()
      compressor.deflate(payload, 0, bytes, true, bytes, () => {})
      compressor.release()
    },
  }
}

/** Compression without a history. */
function inflate(name: string, bytes: number): Subject {
  const source = createNodeDeflateCodec(true).inflaters({ windowBits: 15, takeover: false })
  const compressed = messageOf('json', payloadOf('json', bytes), { compressed: true })
  const headerBytes = compressed[1]! < 126 ? 2 : 4
  return {
    part: 'inflate',
    name,
    run() {
      const inflater = source.take()
      inflater.inflate(
        compressed,
        headerBytes,
        compressed.length,
        true,
        () => {},
        () => {},
      )
      inflater.release()
    },
  }
}

/** The work of a server for each read, not for each frame. */
function echoTurn(name: string, content: Content, bytes: number, messages: number): Subject {
  let turn: EchoTurn | undefined
  return {
    part: 'an echo, from read to write',
    name,
    async prepare() {
      turn = await startEchoTurn(content, bytes, messages)
    },
    run: () => turn!.run(),
  }
}

/** Writing over a transport that takes everything at once. */
function write(name: string, message: Buffer | string, role: 'server' | 'client'): Subject {
  const transport = {
    pendingBytes: 0,
    peer: { address: undefined, port: undefined, encrypted: false },
    start() {},
    write() {},
    pause() {},
    resume() {},
    end() {},
    destroy() {},
  }
  const clock = {
    now: () => 0,
    after: () => ({ cancel() {} }),
    defer() {},
    task() {},
  }
  const random = { maskingKey: () => 0x3d21fa37, bytes: (length: number) => new Uint8Array(length) }
  const ports = { payload: nodePayload, clock, scratchPool: new ScratchPool(nodePayload) }
  const frameWriter = new FrameWriter(transport, ports, role === 'client' ? random : undefined, { flushed() {} })
  return {
    part: `write a frame, as a ${role}`,
    name,
    run() {
      frameWriter.cork()
      if (typeof message === 'string') frameWriter.addText(0x81, message)
      else frameWriter.addBytes(0x82, message, 0, message.length)
      frameWriter.uncork()
    },
  }
}
