import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { networks } from 'twoway-testing/peers/networks.js'
import { defineWebSocket } from '../client/websocket/websocket.js'
import type { WebSocket } from '../client/websocket/websocket-types.js'
import { startServer } from './listening-server.js'

const lines = 'a line of a long text, é 👋\n'.repeat(20_000)
const mixed = Buffer.concat([Buffer.from(lines), randomBytes(100_000), Buffer.from(lines)])
const messages = ['', 'x', 'short and short and short', lines, new Uint8Array(300), mixed, lines.slice(0, 5000)]

const takeovers = {
  'no takeover': {},
  'takeover both ways': { serverNoContextTakeover: false, clientNoContextTakeover: false },
  'takeover of the server alone': { serverNoContextTakeover: false, clientNoContextTakeover: true },
}

for (const network of networks) {
  describe(`messageStream and sendStream compressed, over ${network.name}`, () => {
    for (const [name, parameters] of Object.entries(takeovers)) {
      it(`delivers the message that was sent, with ${name}`, async () => {
        const perMessageDeflate = { ...parameters, thresholdBytes: 0 }
        const server = await startServer<undefined>(
          {
            port: 0,
            perMessageDeflate,
            ...(network.tls === undefined ? {} : { tls: network.tls }),
            async messageStream(socket, stream) {
              await socket.sendStream(stream, stream)
              socket.send('between')
            },
          },
          network.serverPorts,
        )
        const Client = defineWebSocket(network.clientPorts)
        const socket = new Client(server.url, { ...network.clientTls, perMessageDeflate: { thresholdBytes: 0 } })
        try {
          socket.binaryType = 'arraybuffer'
          const echoed = messagesOf(socket, 2 * messages.length)
          await new Promise((resolve) => socket.addEventListener('open', resolve))
          assert.match(socket.extensions, /permessage-deflate/)
          for (const message of messages) socket.send(message)
          assert.deepEqual(
            await echoed,
            messages.flatMap((message) => [message, 'between'].map((sent) => Buffer.from(sent).toString('hex'))),
          )
          const { receivedBytes, sentBytes } = server.metrics()
          assert.ok(receivedBytes < 150_000, `${receivedBytes}`)
          // CompressionStream holds a message to its end, so there longer ones are sent as they are.
          if (network.name !== 'memory') assert.ok(sentBytes < 150_000, `${sentBytes}`)
        } finally {
          socket.close()
          await server.close()
        }
      })
    }
  })
}

describe('the lengths of texts in metrics', () => {
  it('are those of their UTF-8, whether they are compressed at once, off the thread, or not', async () => {
    const texts = ['é', lines, 'é 👋 and more'.repeat(20), 'x', 'é'.repeat(500)]
    for (const network of networks) {
      const server = await startServer<undefined>(
        {
          port: 0,
          perMessageDeflate: { thresholdBytes: 100 },
          ...(network.tls === undefined ? {} : { tls: network.tls }),
          open(socket) {
            for (const text of texts) socket.send(text)
          },
        },
        network.serverPorts,
      )
      const Client = defineWebSocket(network.clientPorts)
      const socket = new Client(server.url, { ...network.clientTls, perMessageDeflate: true })
      try {
        await messagesOf(socket, texts.length)
        const { sum } = server.metrics().histograms.sentMessageBytes
        assert.equal(sum, Buffer.byteLength(texts.join('')), network.name)
      } finally {
        socket.close()
        await server.close()
      }
    }
  })
})

/** The next messages, so many, in hexadecimal. */
function messagesOf(socket: WebSocket, count: number): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const received: string[] = []
    socket.addEventListener('message', ({ data }) => {
      received.push(Buffer.from(data as string).toString('hex'))
      if (received.length === count) resolve(received)
    })
    socket.addEventListener('close', ({ code, reason }) => reject(new Error(`${code} ${reason}`)))
  })
}
