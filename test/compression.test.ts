import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type PerMessageDeflateOptions, WebSocket } from 'twoway'
import { serve } from 'twoway/server'
import { WebSocketServer, WebSocket as WsClient } from 'ws'
import { combinations } from './compression/combinations.js'

/** The number of random connections; `.ci/run` makes a thousand, and `npm run test:compression` 17,000. */
const numRuns = Number(process.env.COMPRESSION_RUNS ?? 50)

const flags = [false, true]
/** Longer than 64 KiB, the most that a length of 16 bits can say, and than any window. */
const long = JSON.stringify(Array.from({ length: 2500 }, (_, index) => ({ index, name: `user ${index * 7919}` })))
const messages: readonly (string | Buffer)[] = [
  'Hello',
  'Hello Hello Hello Hello',
  'Hello Hello Hello Hello',
  '',
  '世界 👋🏽'.repeat(300),
  long,
  Buffer.from(long),
  'Hello',
]

function defined(options: PerMessageDeflateOptions): object {
  const { thresholdBytes, ...rest } = options
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined && value !== false)),
    threshold: thresholdBytes,
  }
}

/** Sends all messages at once, and checks their echoes. */
async function checkEcho(
  client: { send(message: string | Buffer): void; close(): void } & Pick<WsClient, 'on'>,
): Promise<void> {
  let count = 0
  const done = new Promise<void>((resolve, reject) => {
    client.on('error', reject)
    client.on('message', (data: Buffer, isBinary: boolean) => {
      const message = messages[count++]!
      try {
        assert.equal(isBinary, typeof message !== 'string')
        assert.ok(Buffer.from(message).equals(data), `message ${count}`)
      } catch (error) {
        reject(error)
      }
      if (count === messages.length) resolve()
    })
  })
  for (const message of messages) client.send(message)
  await done
  client.close()
}

describe('permessage-deflate with ws', () => {
  for (const takeover of flags) {
    it(`works with our server for every offer of ws, ${takeover ? 'with' : 'without'} takeover where that is agreed`, async () => {
      const perMessageDeflate = {
        serverNoContextTakeover: !takeover,
        clientNoContextTakeover: !takeover,
        thresholdBytes: 0,
      }
      const server = await serve({ port: 0, perMessageDeflate, message: (socket, message) => socket.send(message) })
      for (const options of combinations) {
        const client = new WsClient(server.url, { perMessageDeflate: defined(options) })
        await once(client, 'open')
        assert.equal(client.extensions, 'permessage-deflate', JSON.stringify(options))
        await checkEcho(client)
      }
      await server.close()
    })
  }

  it('works with our server at every window size', async () => {
    for (const perMessageDeflate of combinations) {
      const server = await serve({ port: 0, perMessageDeflate, message: (socket, message) => socket.send(message) })
      const client = new WsClient(server.url, { perMessageDeflate: { threshold: 0 } })
      await once(client, 'open')
      assert.equal(client.extensions, 'permessage-deflate')
      await checkEcho(client)
      await server.close()
    }
  })

  it('works with our client for every answer of ws and every offer of ours', async () => {
    for (const [index, options] of combinations.entries()) {
      for (const [ours, theirs] of [
        [true, defined(options)],
        [options, { threshold: 0 }],
      ] as const) {
        const server = new WebSocketServer({ port: 0, perMessageDeflate: theirs })
        server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
        await once(server, 'listening')
        const client = new WebSocket(`ws://localhost:${(server.address() as AddressInfo).port}`, {
          perMessageDeflate: ours === true ? { thresholdBytes: 0 } : ours,
        })
        client.binaryType = 'arraybuffer'
        await new Promise((resolve, reject) => {
          client.onopen = resolve
          client.onerror = ({ error }) => reject(error)
        })
        assert.match(client.extensions, /^permessage-deflate/, `${index}`)
        let count = 0
        await new Promise<void>((resolve) => {
          client.onmessage = ({ data }) => {
            const message = messages[count++]!
            assert.ok(Buffer.from(message).equals(Buffer.from(data)), `message ${count} of ${index}`)
            if (count === messages.length) resolve()
          }
          for (const message of messages) client.send(message)
        })
        client.close()
        server.close()
      }
    }
  })
})

describe('permessage-deflate between our client and our server', () => {
  const bits = fc.constantFrom(undefined, 9, 10, 12, 15)
  const options = fc.record({
    serverNoContextTakeover: fc.boolean(),
    clientNoContextTakeover: fc.boolean(),
    serverMaxWindowBits: bits,
    clientMaxWindowBits: bits,
    level: fc.constantFrom(1, 6, 9),
    memLevel: fc.constantFrom(1, 5, 8, 9),
    thresholdBytes: fc.constantFrom(0, 20, 1024),
  })
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc
      .tuple(fc.constantFrom('a', '{"id":', 'ß', '世'), fc.nat({ max: 4000 }))
      .map(([part, times]) => part.repeat(times)),
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.nat({ max: 255 }), fc.constantFrom(1, 5000, 100_000)).map(([byte, n]) => new Uint8Array(n).fill(byte)),
  )

  it(`restores every message: ${numRuns} connections with random parameters and messages`, async () => {
    await fc.assert(
      fc.asyncProperty(
        options,
        options,
        fc.array(piece, { minLength: 1, maxLength: 12 }),
        async (ours, theirs, sent) => {
          const server = await serve({
            port: 0,
            perMessageDeflate: theirs,
            message: (socket, message) => socket.send(message),
          })
          try {
            const client = new WebSocket(server.url, { perMessageDeflate: [ours, {}] })
            client.binaryType = 'arraybuffer'
            const back: (string | ArrayBuffer)[] = []
            await new Promise<void>((resolve, reject) => {
              client.onerror = ({ error }) => reject(error)
              client.onopen = () => {
                for (const message of sent) client.send(message as string)
              }
              client.onmessage = ({ data }) => {
                if (back.push(data) === sent.length) resolve()
              }
            })
            for (const [index, message] of sent.entries()) {
              const data = back[index]!
              if (typeof message === 'string') assert.equal(data, message)
              else assert.ok(Buffer.from(data as ArrayBuffer).equals(message))
            }
            client.close()
          } finally {
            await server.close()
          }
        },
      ),
      { numRuns, seed: 7692 },
    )
  })
})
