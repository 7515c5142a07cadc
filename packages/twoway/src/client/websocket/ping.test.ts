import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { networks } from 'twoway-testing/peers/networks.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { TransportError } from '../../core/errors.js'
import { openClientSocket } from '../stream/client-stream-socket.js'
import { defineWebSocketStream } from '../stream/websocket-stream.js'
import { PendingPings } from './pending-pings.js'
import { ping } from './ping.js'
import { defineWebSocket } from './websocket.js'

for (const network of networks) {
  const WebSocket = defineWebSocket(network.clientPorts)
  const WebSocketStream = defineWebSocketStream(openClientSocket(network.clientPorts))

  describe(`ping over ${network.name}`, () => {
    it('resolves to the milliseconds until the Pong, for a WebSocket and a WebSocketStream, §5.5.3', async () => {
      await withServer(network, {}, async ({ url }) => {
        const socket = new WebSocket(url, { ...network.clientTls })
        const stream = new WebSocketStream(url, { ...network.clientTls })
        await Promise.all([once(socket as unknown as EventTarget, 'open'), stream.opened])
        for (const one of [socket, stream]) {
          const times = await Promise.all([ping(one), ping(one), ping(one)])
          assert.ok(times.every((milliseconds) => milliseconds >= 0 && milliseconds < 60_000))
        }
      })
    })

    it('rejects before the connection is open, when it closes before the Pong, and afterwards', async () => {
      await withServer(network, {}, async (server) => {
        const socket = new WebSocket(server.url, { ...network.clientTls })
        await assert.rejects(ping(socket), TransportError)
        await once(socket as unknown as EventTarget, 'open')
        const unanswered = ping(socket)
        for (const peer of server.connections) peer.terminate()
        await assert.rejects(unanswered, TransportError)
        await assert.rejects(ping(socket), TransportError)
      })
    })
  })
}

describe('ping', () => {
  it("rejects for a socket that can't send a Ping, such as a browser's", async () => {
    for (const socket of [{}, new EventTarget()]) {
      await assert.rejects(ping(socket), { name: 'UsageError', code: 'pingImpossible' })
    }
  })

  it('takes a Pong as the answer to earlier Pings too, and ignores one with another payload, §5.5.3', async () => {
    const sent: string[] = []
    let now = 0
    const pings = new PendingPings({ now: () => now } as never, (payload) => sent.push(payload))
    const first = pings.add()
    now = 10
    const second = pings.add()
    const third = pings.add()
    now = 30
    pings.answer(Buffer.from('heartbeat 1'))
    pings.answer(Buffer.from(sent[1]!))
    assert.deepEqual(await Promise.all([first, second]), [30, 20])
    pings.fail()
    await assert.rejects(third, TransportError)
  })
})
