import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSequences } from './run-sequences.js'
import { sequenceOf } from './sequence.js'

const seed = 5246
const count = 200

/** The short form of `npm run test:tls`, which prints how to repeat a sequence. */
test('no sequence of TLS messages ends the process, leaves a descriptor, or keeps others from being served', async () => {
  const indexes = Array.from({ length: count }, (_, index) => index)
  const { complaint, suspects, opened, met } = await runSequences({ seed, indexes, atOnce: 20 })
  assert.equal(complaint, '', `npm run test:tls -- --seed ${seed} --at ${suspects.join(',')}`)
  // The sequences reach the frames, of servers and of clients. On a busy machine more handshakes come too late.
  assert.ok(opened > count / 10, `${opened} WebSockets stood`)
  const ends = Object.keys(met).join(', ')
  for (const clean of ['server: closed 1000 ', 'client: closed 1000', 'client by a proxy: closed 1000']) {
    assert.ok(clean in met, `${clean} is missing among: ${ends}`)
  }
})

test('a seed names the same sequences each time', () => {
  for (const index of [0, 1, 41]) assert.deepEqual(sequenceOf(seed, index), sequenceOf(seed, index))
  assert.notDeepEqual(sequenceOf(seed, 0), sequenceOf(seed + 1, 0))
})
