import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { NodeProcess } from './echo-process.js'
import { startServers } from './whatwg/server.js'

const program = fileURLToPath(new URL('sockets-without-listeners.js', import.meta.url))

describe('sockets without listeners', () => {
  it('never end the process, in whichever way they fail', async () => {
    const { url, rawUrl, deafUrl, close } = await startServers()
    const { code, stdout, stderr } = await new NodeProcess(program, [url, rawUrl, deafUrl]).ended
    await close()
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^21 sockets have failed$/m)
  })
})
