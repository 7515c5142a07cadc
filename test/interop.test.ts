import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'twoway'
import { type ServerSocket, serve } from 'twoway/server'
import { WebSocketServer, WebSocket as WsClient, type WebSocket as WsSocket } from 'ws'

const texts = [
  '',
  'Hello WebSockets!',
  'grüß 世界 👋🏽',
  'a'.repeat(125),
  'ä'.repeat(63),
  '世'.repeat(21_845),
  '👋'.repeat(50_000),
]
const lengths = [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 16 << 20]

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index * 31 + (index >> 8))
}

describe('ws as client and our server', () => {
  let stop: () => Promise<void>
  let url: string
  let sockets: ServerSocket[]

  before(async () => {
    sockets = []
    const server = await serve({
      port: 0,
      maxMessageBytes: 16 << 20,
      maxBufferedBytes: 64 << 20,
      upgrade: ({ protocols }) => ({ protocol: protocols[0] }),
      open: (socket) => sockets.push(socket),
      message: (socket, message) => socket.send(message),
    })
    url = server.url
    stop = () => server.close()
  })
  after(() => stop())

  async function connect(protocols: string[] = []): Promise<WsSocket> {
    const client = new WsClient(url, protocols, { maxPayload: 32 << 20 })
    await once(client, 'open')
    return client
  }

  it('exchange text with characters of every width', async () => {
    const client = await connect()
    for (const text of texts) {
      client.send(text)
      const [data, isBinary] = await once(client, 'message')
      assert.equal(isBinary, false)
      assert.equal(data.toString(), text)
    }
    client.terminate()
  })

  it('exchange binary up to 16 MiB', async () => {
    const client = await connect()
    for (const length of lengths) {
      client.send(noise(length))
      const [data, isBinary] = await once(client, 'message')
      assert.equal(isBinary, true)
      assert.ok(data.equals(noise(length)))
    }
    client.terminate()
  })

  it('exchange fragments, with pings between them', async () => {
    const client = await connect()
    const pongs: string[] = []
    client.on('pong', (data) => pongs.push(data.toString()))
    for (const piece of ['grüß ', '世', '界 ', '👋']) {
      client.send(piece, { fin: false })
      client.ping(piece)
    }
    client.send('', { fin: true })
    const [data] = await once(client, 'message')
    assert.equal(data.toString(), 'grüß 世界 👋')
    assert.deepEqual(pongs, ['grüß ', '世', '界 ', '👋'])
    client.terminate()
  })

  it('exchange our pings and its pongs', async () => {
    const client = await connect()
    const pings: string[] = []
    client.on('ping', (data) => pings.push(data.toString()))
    sockets.at(-1)!.ping('are you there?')
    client.send('flush')
    await once(client, 'message')
    assert.deepEqual(pings, ['are you there?'])
    client.terminate()
  })

  it('exchange close codes both ways', async () => {
    for (const [code, reason] of [
      [1000, ''],
      [1001, 'going'],
      [3000, '世界'],
      [4999, 'x'.repeat(123)],
    ] as const) {
      const closing = await connect()
      closing.close(code, reason)
      const [echoedCode, echoedReason] = await once(closing, 'close')
      assert.deepEqual([echoedCode, echoedReason.toString()], [code, reason])
      const closed = await connect()
      sockets.at(-1)!.close(code, reason)
      const [seenCode, seenReason] = await once(closed, 'close')
      assert.deepEqual([seenCode, seenReason.toString()], [code, reason])
    }
    const bare = await connect()
    sockets.at(-1)!.close()
    assert.equal((await once(bare, 'close'))[0], 1005)
  })

  it('agree on a subprotocol', async () => {
    const client = await connect(['first', 'second'])
    assert.equal(client.protocol, 'first')
    client.terminate()
  })

  it('close with 1009 for a message above the limit', async () => {
    const client = await connect()
    client.send(new Uint8Array((16 << 20) + 1))
    assert.equal((await once(client, 'close'))[0], 1009)
  })
})

describe('our client and ws as server', () => {
  let server: WebSocketServer
  let url: string
  const sockets: WsSocket[] = []

  before(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 32 << 20 })
    server.on('connection', (socket) => {
      sockets.push(socket)
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    })
    await once(server, 'listening')
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })

  async function connect(protocols: string[] = []): Promise<WebSocket> {
    const client = new WebSocket(url, protocols)
    client.binaryType = 'arraybuffer'
    await new Promise((resolve) => client.addEventListener('open', resolve, { once: true }))
    return client
  }

  function message(client: WebSocket): Promise<unknown> {
    return new Promise((resolve) => client.addEventListener('message', ({ data }) => resolve(data), { once: true }))
  }

  function closed(client: WebSocket): Promise<readonly [code: number, reason: string, wasClean: boolean]> {
    return new Promise((resolve) => {
      client.onclose = ({ code, reason, wasClean }) => resolve([code, reason, wasClean])
    })
  }

  it('exchange text with characters of every width', async () => {
    const client = await connect()
    for (const text of texts) {
      client.send(text)
      assert.equal(await message(client), text)
    }
    client.close()
    await closed(client)
  })

  it('exchange binary up to 16 MiB', async () => {
    const client = await connect()
    for (const length of lengths) {
      client.send(noise(length))
      assert.ok(Buffer.from((await message(client)) as ArrayBuffer).equals(noise(length)))
    }
    client.close()
    await closed(client)
  })

  it('exchange fragments, with pings between them', async () => {
    const client = await connect()
    const peer = sockets.at(-1)!
    const pongs: string[] = []
    peer.on('pong', (data) => pongs.push(data.toString()))
    for (const piece of ['grüß ', '世', '界 ', '👋']) {
      peer.send(piece, { fin: false })
      peer.ping(piece)
    }
    peer.send('', { fin: true })
    assert.equal(await message(client), 'grüß 世界 👋')
    client.close()
    await closed(client)
    assert.deepEqual(pongs, ['grüß ', '世', '界 ', '👋'])
  })

  it('exchange close codes both ways', async () => {
    for (const [code, reason] of [
      [1000, ''],
      [3000, '世界'],
      [4999, 'x'.repeat(123)],
    ] as const) {
      const closing = await connect()
      const peer = sockets.at(-1)!
      const seen = once(peer, 'close')
      closing.close(code, reason)
      assert.deepEqual(await closed(closing), [code, reason, true])
      const [seenCode, seenReason] = await seen
      assert.deepEqual([seenCode, seenReason.toString()], [code, reason])

      const answering = await connect()
      sockets.at(-1)!.close(code, reason)
      assert.deepEqual(await closed(answering), [code, reason, true])
    }
    const dropped = await connect()
    sockets.at(-1)!.terminate()
    assert.deepEqual(await closed(dropped), [1006, '', false])
  })

  it('agree on a subprotocol', async () => {
    const client = await connect(['first', 'second'])
    assert.equal(client.protocol, 'first')
    client.close()
    await closed(client)
  })
})
