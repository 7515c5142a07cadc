import assert from 'node:assert/strict'
import { it } from 'node:test'
import { echoHugeMessage } from './huge-message.js'

for (const compress of [false, true]) {
  const how = compress ? 'a compressed message' : 'a message'
  it(`echoes ${how} of 96 MiB as a stream with a server that takes less than 64 MiB above its start`, async () => {
    const octets = 96 << 20
    const { isSame, wireOctets, grownBytes } = await echoHugeMessage(octets, compress)
    assert.ok(isSame)
    assert.equal(wireOctets < 0.8 * octets, compress, `${wireOctets}`)
    assert.ok(grownBytes < 64 << 20, `${grownBytes >> 20} MiB`)
  })
}
