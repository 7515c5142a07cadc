/** `npm run test:python`: the example in Python against the hub, with Debian's python3-websockets, which it installs if missing. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createHub } from 'twoway/hub'
import { serve } from 'twoway/server'
import { installFromDebian } from './debian-packages.js'

const folder = fileURLToPath(new URL('../../examples/python/', import.meta.url))
/** Debian's own: another one does not have Debian's packages. */
const python = '/usr/bin/python3'

function install(): void {
  if (spawnSync(python, ['-c', 'import websockets']).status === 0) return
  installFromDebian(['python3-websockets'], 'there is no module websockets of Python')
}

test('a client in Python, written from docs/reference/protocol.md, gets each message once and resumes', {
  timeout: 400_000,
}, async () => {
  install()
  const hub = createHub({
    topics: { 'room.*': { publish: true }, closed: {} },
    authenticate: ({ token }) => ({ user: String(token) }),
    requests: {
      add([a, b]: number[]) {
        if (typeof a !== 'number' || typeof b !== 'number') throw new Error('two numbers are needed')
        return a + b
      },
      async cut() {
        for (const socket of server.connections) socket.terminate()
        await hub.publish('room.1', 'meanwhile 1')
        await hub.publish('room.1', 'meanwhile 2')
      },
    },
    error: () => undefined,
  })
  for (const index of [1, 2, 3]) await hub.publish('room.1', `older ${index}`)
  const server = await serve({ port: 0, ...hub.handlers() })
  try {
    const child = spawn(python, ['try_client.py', server.url], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 60_000,
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    assert.deepEqual([code, output], [0, 'whole\n'])
  } finally {
    await server.close()
    hub.close()
  }
})
