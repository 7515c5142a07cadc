import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as zlib from 'node:zlib'
import { inflateBody } from './inflate-body.js'

const { zstdCompressSync } = zlib as unknown as { zstdCompressSync?: (bytes: Buffer) => Buffer }

/** Compressors of each coding; more than one where its name stands for two formats. */
const codings: Readonly<Record<string, readonly ((bytes: Buffer) => Buffer)[]>> = {
  gzip: [zlib.gzipSync],
  'x-gzip': [zlib.gzipSync],
  deflate: [zlib.deflateSync, zlib.deflateRawSync],
  br: [zlib.brotliCompressSync],
  ...(zstdCompressSync === undefined ? {} : { zstd: [zstdCompressSync] }),
}

const text = Buffer.from(Array.from({ length: 2000 }, (_, at) => `line ${at * at}\n`).join(''))

for (const [coding, compressors] of Object.entries(codings)) {
  test(`undoes ${coding}`, async () => {
    for (const compress of compressors) {
      const bytes = await inflateBody(coding, compress(text), 1 << 20)
      assert.equal(Buffer.from(bytes!).toString(), text.toString())
    }
  })

  test(`makes what it can of ${coding} that breaks off`, async () => {
    for (const compress of compressors) {
      const compressed = compress(text)
      const bytes = await inflateBody(coding, compressed.subarray(0, compressed.length - 20), 1 << 20)
      assert.ok(bytes === undefined || text.subarray(0, bytes.length).equals(bytes), `${coding}: other bytes`)
      // A coding by blocks has nothing to show of one that is not whole.
      if (coding !== 'zstd') assert.ok((bytes?.length ?? 0) > 1000, `${coding}: ${bytes?.length}`)
    }
  })

  test(`stops a bomb of ${coding} at the limit`, async () => {
    for (const compress of compressors) {
      const bytes = await inflateBody(coding, compress(Buffer.alloc(10 << 20, 'a')), 1000)
      assert.equal(Buffer.from(bytes!).toString(), 'a'.repeat(1000))
    }
  })

  test(`has nothing to say of what is not ${coding}`, async () => {
    assert.equal(await inflateBody(coding, Buffer.from('<h1>no</h1>'), 1000), undefined)
  })
}

test('knows no other coding', async () => {
  for (const coding of ['compress', 'exi', 'toString', ''])
    assert.equal(await inflateBody(coding, text, 1000), undefined)
})
