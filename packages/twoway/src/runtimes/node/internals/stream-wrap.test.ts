import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { sharesReads } from '../transport/shared-reading.js'

/** Prints whether handles are used, and what an echo brings. */
const program = `
const { streamWrap } = await import('${new URL('./stream-wrap.js', import.meta.url)}')
const { serve } = await import('${new URL('../../../entries/server.js', import.meta.url)}')
const { WebSocket } = await import('${new URL('../../../entries/client.js', import.meta.url)}')
const server = await serve({ port: 0, message: (socket, message) => socket.send(message) })
const socket = new WebSocket(server.url)
socket.onopen = () => socket.send('hello')
const { data } = await new Promise((resolve) => { socket.onmessage = resolve })
console.log(streamWrap !== undefined, data)
socket.close()
`

/** What the program prints, and what Node warns of. */
function run(...options: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const end = 'socket.onclose = () => server.close()'
  const env = { ...process.env, NODE_OPTIONS: '', NODE_PENDING_DEPRECATION: '', TWOWAY_TRANSPORT: '' }
  return promisify(execFile)(process.execPath, [...options, '--input-type=module', '--eval', program + end], { env })
}

test('the handles are used where nothing speaks against it', { skip: !sharesReads }, async () => {
  assert.deepEqual(await run(), { stdout: 'true hello\n', stderr: '' })
})

test('no warning is given to who asks for those of what may go some day', { skip: !sharesReads }, async () => {
  assert.deepEqual(await run('--pending-deprecation', '--throw-deprecation'), { stdout: 'false hello\n', stderr: '' })
})
