import zlib from 'node:zlib'
import { ScratchPool } from '../../../core/sending/scratch-pool.js'
import type {
  Compressor,
  CompressorParameters,
  ContextParameters,
  ContextSource,
  DeflateCodec,
  Inflater,
} from '../../../ports/deflate-codec.js'
import { canDriveDirectly } from '../internals/direct-zlib.js'
import { nodePayload } from '../payload/payload.js'
import { JobQueue } from './job-queue.js'
import { NodeCompressor } from './node-compressor.js'
import { NodeInflater } from './node-inflater.js'
import { createShortDeflate } from './short-deflate.js'
import { StreamPool } from './stream-pool.js'

/** As many as the thread pool has threads, unless it was told otherwise; each has a context of up to 300 KiB. */
const jobsAtATime = 4

/** Levels above search for longer matches than the compressor of short messages does, and 0 for none. */
const highestShortLevel = 6

/**
 * A codec over node:zlib. Who takes no history over shares one compressor and one inflater, which work within the call
 * where the message is short; long ones go through the thread pool, some at a time.
 * @param isDirect whether streams are driven by their undocumented handles; else by public calls alone, which are slower
 * @param usesShort whether short messages have a compressor of their own, where the runtime has WebAssembly with SIMD
 */
export function createNodeDeflateCodec(isDirect: boolean, usesShort = true): DeflateCodec {
  const short = usesShort ? createShortDeflate() : undefined
  const jobs = new JobQueue(jobsAtATime)
  const buffers = new ScratchPool(nodePayload)
  const compressors = new Map<string, ContextSource<Compressor>>()
  const inflaters = new Map<string, ContextSource<Inflater>>()

  function createCompressors(parameters: CompressorParameters): ContextSource<Compressor> {
    const { windowBits, level, memLevel } = parameters
    const pool = new StreamPool(() => zlib.createDeflateRaw({ windowBits, level, memLevel }))
    const servesLevel = level > 0 && level <= highestShortLevel
    const parts = { parameters, isDirect, pool, jobs, short: servesLevel ? short : undefined }
    return { take: () => new NodeCompressor(parts) }
  }

  function createInflaters(parameters: ContextParameters): ContextSource<Inflater> {
    const pool = new StreamPool(() => zlib.createInflateRaw({ windowBits: parameters.windowBits }))
    const parts = { parameters, isDirect, pool, jobs, buffers }
    return { take: () => new NodeInflater(parts) }
  }

  return {
    keepsHistory: true,
    compressesPieces: true,
    smallestWindowBits: 9,
    compressors: (parameters) => kept(compressors, parameters, createCompressors),
    inflaters: (parameters) => kept(inflaters, parameters, createInflaters),
  }
}

/** Node's codec, by the fastest way that this runtime has. Created on first use, as it tries what the runtime can do. */
export function nodeDeflateCodec(): DeflateCodec {
  codec ??= createNodeDeflateCodec(canDriveDirectly())
  return codec
}

let codec: DeflateCodec | undefined

function kept<Parameters, Source>(
  sources: Map<string, Source>,
  parameters: Parameters,
  create: (parameters: Parameters) => Source,
): Source {
  const key = JSON.stringify(parameters)
  const source = sources.get(key) ?? create(parameters)
  sources.set(key, source)
  return source
}
