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

/** The default number of threads in the thread pool. Each job holds a context of up to 300 KiB. */
const jobsAtATime = 4

/**
 * The highest level that the compressor of short messages serves; higher ones search for longer matches. It does not
 * serve level 0 either, which searches for none.
 */
const highestShortLevel = 6

/**
 * A codec over node:zlib. Connections without context takeover share one compressor and one inflater. Short messages are
 * done within the call; long ones go through the thread pool, a few at a time.
 * @param isDirect whether to call the undocumented handles of streams; public calls alone are slower
 * @param usesShort whether short messages have a compressor of their own, if the runtime has WebAssembly with SIMD
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

/** Node's codec in the fastest form that this runtime allows. Created on first use, because it tries the runtime. */
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
