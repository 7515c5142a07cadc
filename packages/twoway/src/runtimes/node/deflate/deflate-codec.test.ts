import assert from 'node:assert/strict'
import { it } from 'node:test'
import { describeDeflateCodec } from '../../../ports/deflate-codec.contract.js'
import { createNodeDeflateCodec } from './deflate-codec.js'
import { canDriveDirectly } from './direct-zlib.js'

it('drives the streams of this runtime by their handles', () => {
  assert.ok(canDriveDirectly())
})

describeDeflateCodec('nodeDeflateCodec', createNodeDeflateCodec(true))
describeDeflateCodec('nodeDeflateCodec by handles', createNodeDeflateCodec(true, false))
describeDeflateCodec('nodeDeflateCodec by public calls', createNodeDeflateCodec(false, false))
