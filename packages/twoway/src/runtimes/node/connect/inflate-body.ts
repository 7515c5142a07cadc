import * as zlib from 'node:zlib'

type Decompressor = zlib.Gunzip | zlib.Inflate | zlib.InflateRaw | zlib.BrotliDecompress

const { createZstdDecompress } = zlib as unknown as { createZstdDecompress?: (options: object) => Decompressor }

// With these options, a missing end is not an error: a body may break off.
const zlibOptions = { finishFlush: zlib.constants.Z_SYNC_FLUSH }
const brotliOptions = { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH }
// ZSTD_e_flush, which the types of Node 20 do not have.
const zstdOptions = { finishFlush: 1 }

/** The codings of RFC 9110 §8.4.1, br (RFC 7932), and zstd (RFC 8878) if the runtime has it. */
const decompressors: { readonly [coding: string]: (() => Decompressor) | undefined } = {
  gzip: () => zlib.createGunzip(zlibOptions),
  'x-gzip': () => zlib.createGunzip(zlibOptions),
  deflate: () => zlib.createInflate(zlibOptions),
  br: () => zlib.createBrotliDecompress(brotliOptions),
  zstd: createZstdDecompress && (() => createZstdDecompress(zstdOptions)),
}

/**
 * Decodes one content coding of a body that may be cut anywhere. Stops after `maxBytes` of output. Resolves to undefined if
 * the coding is unknown or the bytes do not have it. Never rejects.
 */
export async function inflateBody(
  coding: string,
  bytes: Uint8Array,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const create = Object.hasOwn(decompressors, coding) ? decompressors[coding] : undefined
  if (create === undefined) return undefined
  const inflated = await inflate(create(), bytes, maxBytes)
  // Some servers send DEFLATE without the zlib wrapper that this coding requires.
  const isRaw = inflated.length === 0 && coding === 'deflate'
  const found = isRaw ? await inflate(zlib.createInflateRaw(zlibOptions), bytes, maxBytes) : inflated
  return found.length === 0 ? undefined : found
}

function inflate(stream: Decompressor, bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const pieces: Uint8Array[] = []
    let length = 0
    const finish = (): void => {
      resolve(Buffer.concat(pieces, Math.min(length, maxBytes)))
      stream.destroy()
    }
    stream.on('data', (piece: Uint8Array) => {
      pieces.push(piece)
      length += piece.length
      if (length >= maxBytes) finish()
    })
    stream.on('error', finish)
    stream.on('end', finish)
    stream.end(bytes)
  })
}
