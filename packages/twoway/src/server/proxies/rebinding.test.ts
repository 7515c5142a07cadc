import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { utf8 } from 'twoway-testing/bytes.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import type { ServeOptions } from '../handler-types.js'

const network = networks.find(({ name }) => name === 'TCP')!

/** Heads of requests that a page under the name `evil.example`, which points to this machine, could send. */
const requests = ['X-Forwarded-Host: localhost', 'Forwarded: host=localhost', 'X-Forwarded-Host: chat.example.com'].map(
  (field) => `GET / HTTP/1.1\r\nHost: evil.example\r\n${field}\r\n`,
)
const upgrade =
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

const options: ServeOptions<undefined> = {
  trustedProxies: 'loopback',
  hosts: ['chat.example.com'],
  request: () => ({ status: 200, body: 'secret' }),
}

describe('a server on this machine behind a trusted proxy', () => {
  for (const request of requests) {
    it(`refuses a foreign Host with ${request.split('\r\n')[2]}`, async () => {
      await withServer(network, options, async (_server, connect) => {
        assert.match(await connect(utf8(`${request}\r\n`)).head(), /^HTTP\/1\.1 421 /)
        assert.match(await connect(utf8(`${request}${upgrade}\r\n`)).head(), /^HTTP\/1\.1 421 /)
      })
    })
  }

  it('takes the name that a proxy forwards, as Host or beside its own', async () => {
    await withServer(network, options, async (_server, connect) => {
      for (const host of ['chat.example.com', '127.0.0.1:80']) {
        const head = `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: chat.example.com\r\n\r\n`
        assert.match(await connect(utf8(head)).head(), /^HTTP\/1\.1 200 /, host)
      }
    })
  })
})
