import assert from 'node:assert/strict'
import { it } from 'node:test'
import { echoHugeMessage } from './huge-message.js'

for (const compress of [false, true]) {
  const how = compress ? 'a compressed message' : 'a message'
  it(`echoes ${how} of 96 MiB as a stream with a server that takes less than 64 MiB above its start`, async () => {
    const bytes = 96 << 20
    const { isSame, wireBytes, grownBytes } = await echoHugeMessage(bytes, compress)
    assert.ok(isSame)
    assert.equal(wireBytes < 0.8 * bytes, compress, `${wireBytes}`)
    assert.ok(grownBytes < 64 << 20, `${grownBytes >> 20} MiB`)
  })
}
