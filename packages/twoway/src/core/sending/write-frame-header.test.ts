import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toHex } from 'twoway-testing/bytes.js'
import { frameHeaderSize, writeFrameHeader } from './write-frame-header.js'

function written(payloadLength: number, maskingKey?: number): string {
  const target = new Uint8Array(16)
  const end = writeFrameHeader(target, 1, 0x82, payloadLength, maskingKey)
  assert.equal(end - 1, frameHeaderSize(payloadLength, maskingKey !== undefined))
  return toHex(target.subarray(1, end))
}

describe('writeFrameHeader', () => {
  it('writes the length in its shortest form at each bound, §5.2', () => {
    assert.equal(written(0), '8200')
    assert.equal(written(125), '827d')
    assert.equal(written(126), '827e007e')
    assert.equal(written(65535), '827effff')
    assert.equal(written(65536), '827f0000000000010000')
    assert.equal(written(2 ** 32 + 5), '827f0000000100000005')
    assert.equal(written(Number.MAX_SAFE_INTEGER), '827f001fffffffffffff')
  })

  it('writes the masking key behind the length, first byte first, §5.3', () => {
    assert.equal(written(5, 0x3d21fa37), '828537fa213d')
    assert.equal(written(65535, -1), '82feffffffffffff')
    assert.equal(written(65536, 1), '82ff000000000001000001000000')
  })
})
