import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { utf8 } from 'twoway-testing/bytes.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import type { ServeOptions } from '../handler-types.js'

const network = networks.find(({ name }) => name === 'TCP')!

/** More than it takes until a server knows a head. */
const times = 10

function handshake(host: string, origin?: string): Uint8Array {
  const lines = [
    'GET / HTTP/1.1',
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(origin === undefined ? [] : [`Origin: ${origin}`]),
  ]
  return utf8(`${lines.join('\r\n')}\r\n\r\n`)
}

type Answers = (request: Uint8Array) => Promise<string[]>

async function answering(options: ServeOptions<undefined>, run: (answers: Answers) => Promise<void>): Promise<void> {
  await withServer(network, options, async (_server, connect) => {
    await run(async (request) => {
      const statuses = new Set<string>()
      for (let count = 0; count < times; count += 1) statuses.add((await connect(request).head()).slice(9, 12))
      return [...statuses]
    })
  })
}

describe('handshakes that differ in their keys alone', () => {
  it('are all accepted, and all refused for their Host or Origin', async () => {
    await answering({}, async (answers) => {
      assert.deepEqual(await answers(handshake('localhost')), ['101'])
      assert.deepEqual(await answers(handshake('localhost', 'http://localhost')), ['101'])
      assert.deepEqual(await answers(handshake('a.evil.test')), ['421'])
      assert.deepEqual(await answers(handshake('localhost', 'http://a.evil.test')), ['403'])
    })
  })

  it('are refused once the program has removed their Origin or Host from its list', async () => {
    const [origin, hosts] = [['https://page.test'], ['chat.test']]
    await answering({ origin, hosts }, async (answers) => {
      assert.deepEqual(await answers(handshake('localhost', 'https://page.test')), ['101'])
      assert.deepEqual(await answers(handshake('chat.test')), ['101'])
      origin[0] = 'https://other.test'
      hosts[0] = 'other.test'
      assert.deepEqual(await answers(handshake('localhost', 'https://page.test')), ['403'])
      assert.deepEqual(await answers(handshake('chat.test')), ['421'])
    })
  })
})
