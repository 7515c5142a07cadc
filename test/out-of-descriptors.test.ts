import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'twoway'

const program = fileURLToPath(new URL('out-of-descriptors.js', import.meta.url))
/** The limit of descriptors. Node opens many of its modules at once, so that a lower one would fail at the start. */
const descriptors = 160

test('a server without free descriptors reports that once, refuses new peers, keeps its connections, and recovers', {
  skip: process.platform === 'win32' && 'there is no ulimit',
}, async () => {
  const child = spawn('sh', ['-c', `ulimit -n ${descriptors} && exec "$0" "$1"`, process.execPath, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const crowd: Socket[] = []
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const port = Number((await lines.next()).value)
    const early = await echoes(port)
    for (let count = 0; count < descriptors; count++) crowd.push(connect(port, '127.0.0.1').on('error', () => {}))
    const { value: said } = await lines.next()
    assert.match(said, /^no socket: peers .* too many files and sockets open \(EMFILE\); allow more .*maxConnections$/)
    await assert.rejects(echoes(port))
    early.send('still here')
    const [event] = await once(early, 'message')
    assert.equal(event.data, 'still here')

    for (const socket of crowd) socket.destroy()
    const late = await untilEchoes(port)
    late.close()
    early.close()
    child.stdin.end()
    assert.deepEqual(await lines.next(), { value: undefined, done: true })
  } finally {
    for (const socket of crowd) socket.destroy()
    child.kill()
  }
})

/** A connection that has received its response. */
async function echoes(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send('hello')
    socket.onmessage = resolve
    socket.onclose = reject
  })
  socket.onclose = null
  return socket
}

/** Waits until the server has freed the connections of the crowd. */
async function untilEchoes(port: number): Promise<WebSocket> {
  for (;;) {
    try {
      return await echoes(port)
    } catch {}
  }
}
