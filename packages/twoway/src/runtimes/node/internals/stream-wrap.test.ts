import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { whyOnlyStreams } from '../transport/shared-reading.js'

/** Prints how an echo travels, and what it brings. */
const program = `
const { serve } = await import('${new URL('../../../entries/server.js', import.meta.url)}')
const { WebSocket } = await import('${new URL('../../../entries/client.js', import.meta.url)}')
const server = await serve({ port: 0, message: (socket, message) => socket.send(message) })
const socket = new WebSocket(server.url)
socket.onopen = () => socket.send('hello')
const { data } = await new Promise((resolve) => { socket.onmessage = resolve })
console.log(data, JSON.stringify(server.metrics().transport))
socket.close()
socket.onclose = () => server.close()
`

/** The output of the program, and Node's warnings. */
function run(...options: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, NODE_OPTIONS: '', NODE_PENDING_DEPRECATION: '', TWOWAY_TRANSPORT: '' }
  return promisify(execFile)(process.execPath, [...options, '--input-type=module', '--eval', program], { env })
}

const isNode = whyOnlyStreams === undefined

test('the handles are used where nothing speaks against it', { skip: !isNode }, async () => {
  assert.deepEqual(await run(), { stdout: 'hello {"path":"handle","reasons":[]}\n', stderr: '' })
})

test('no warning is given to a program that asks for those of pending deprecations', { skip: !isNode }, async () => {
  const why = 'connections use streams: Node was started with --pending-deprecation'
  const stdout = `hello {"path":"stream","reasons":["${why}"]}\n`
  assert.deepEqual(await run('--pending-deprecation', '--throw-deprecation'), { stdout, stderr: '' })
})
