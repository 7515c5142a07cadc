import assert from 'node:assert/strict'
import { it } from 'node:test'
import { echoHugeMessage } from './huge-message.js'

it('echoes a message of 96 MiB as a stream with a server that takes less than 64 MiB above its start', async () => {
  const octets = 96 << 20
  const { echoedOctets, grownBytes } = await echoHugeMessage(octets)
  assert.equal(echoedOctets, octets)
  assert.ok(grownBytes < 64 << 20, `${grownBytes >> 20} MiB`)
})
