import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Left } from './dropped-sockets.js'
import { NodeProcess } from './echo-process.js'
import { startServers } from './whatwg/server.js'

const program = fileURLToPath(new URL('dropped-sockets.js', import.meta.url))
const count = Number(process.env.DROPPED_SOCKETS ?? 2000)

/** The noise of the heap's size. A tenth of the sockets would exceed it. */
const noiseBytes = 500_000

describe('sockets that the program no longer refers to', () => {
  it(`${count} opened and closed leave no object, no descriptor and no memory behind`, async () => {
    const servers = await startServers()
    const child = new NodeProcess('--expose-gc', [program, servers.url, servers.deafUrl, String(count)])
    const { code, stdout, stderr } = await child.ended
    await servers.close()
    assert.equal(code, 0, stderr)
    const { sockets, heapBytes, descriptors } = JSON.parse(stdout) as Left
    assert.deepEqual({ sockets, descriptors }, { sockets: 0, descriptors: 0 })
    assert.ok(heapBytes < noiseBytes, `${heapBytes} bytes of heap are left`)
  })
})
