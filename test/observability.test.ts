import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { WebSocket } from 'twoway'
import { type ServerDiagnostics, serve } from 'twoway/server'

const document = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8')

test('docs/observability.md has a row for each field of metrics() and each channel, and no other', async () => {
  const server = await serve({ port: 0 })
  const fields = Object.keys(server.metrics())
  await server.close()
  const channels = {
    'twoway:handshake': true,
    'twoway:open': true,
    'twoway:message': true,
    'twoway:ping': true,
    'twoway:backpressure': true,
    'twoway:drop': true,
    'twoway:limit': true,
    'twoway:close': true,
  } satisfies Record<keyof ServerDiagnostics, true>
  const rows = document.split('\n').filter((line) => line.startsWith('| `'))
  const named = rows.flatMap((row) => [...row.split(' | ')[0]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name))
  assert.deepEqual(named.sort(), [...fields, ...Object.keys(channels)].sort())
})

test('a server publishes through node:diagnostics_channel', async () => {
  const closes: ServerDiagnostics['twoway:close'][] = []
  const listen = (message: unknown): number => closes.push(message as ServerDiagnostics['twoway:close'])
  subscribe('twoway:close', listen)
  const server = await serve({ port: 0, message: (socket) => socket.close(4001, 'enough') })
  const socket = new WebSocket(server.url)
  socket.onopen = () => socket.send('hi')
  await once(socket, 'close')
  await server.close()
  unsubscribe('twoway:close', listen)
  assert.equal(closes.length, 1)
  assert.equal(closes[0]!.server, server)
  assert.equal(closes[0]!.meaning, "a code of the application's own")
})
