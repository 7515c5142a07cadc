import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, it } from 'node:test'
import { descriptorRows } from './descriptor-rows.js'
import { frameRows } from './frame-rows.js'
import { handshakeRows } from './handshake-rows.js'
import { ServerProcess, type Target } from './server-process.js'
import { tlsRows } from './tls-rows.js'

const twoway: Target = {
  name: 'Twoway',
  version: '',
  program: process.execPath,
  args: ['--expose-gc'],
  script: 'twoway',
}

/** The rows of docs/explanation/safety.md that measure neither time nor memory; `npm run safety` measures all rows. */
describe('a server without any option but the port', { concurrency: 4 }, () => {
  for (const row of [...handshakeRows, ...frameRows, ...descriptorRows, ...tlsRows]) {
    if (row.without?.Twoway !== undefined) continue
    it(`${row.property}: ${row.promise}`, async () => {
      const server = await ServerProcess.start(twoway, row.mode ?? 'echo', row.descriptors)
      try {
        const { text, holds } = await row.measure(server, twoway)
        assert.ok(holds, text)
      } finally {
        await server.kill()
      }
    })
  }
})
