import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { networks } from 'twoway-testing/peers/networks.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { defineHandlerSocket } from './handler-socket.js'

for (const network of networks.filter(({ clientTls }) => clientTls === undefined)) {
  describe(`HandlerSocket over ${network.name}`, () => {
    const HandlerSocket = defineHandlerSocket(network.clientPorts)

    it('calls its handlers: open, each message in order with bytes as an ArrayBuffer, close', async () => {
      const options = {
        upgrade: () => ({ protocol: 'p' }),
        message: (socket: { send(message: string | Uint8Array): unknown }, message: string | Uint8Array) =>
          socket.send(message),
      }
      await withServer(network, options, async (server) => {
        const log: unknown[] = []
        await new Promise<void>((resolve) => {
          const socket = new HandlerSocket(`${server.url}/`, ['p'])
          socket.onerror = () => log.push('error')
          socket.onopen = () => {
            log.push(socket.protocol)
            for (const message of ['one', Uint8Array.of(1, 2), '']) socket.send(message)
          }
          socket.onmessage = ({ data }) => {
            log.push(typeof data === 'string' ? data : [...new Uint8Array(data)])
            if (data === '') socket.close(4000, 'done')
          }
          socket.onclose = ({ code, reason }) => {
            log.push(`${code} ${reason}`)
            resolve()
          }
        })
        assert.deepEqual(log, ['p', 'one', [1, 2], '', '4000 done'])
      })
    })

    it('keeps the compressed messages of several sockets apart', async () => {
      const options = {
        perMessageDeflate: { thresholdBytes: 0 },
        message: (socket: { send(message: string | Uint8Array): unknown }, message: string | Uint8Array) =>
          socket.send(message),
      }
      await withServer(network, options, async (server) => {
        const sent = [1, 2, 3].map((round) => `${'abc'.repeat(500)} ${round}`)
        const echoes = ['red', 'green', 'blue'].map(
          (name) =>
            new Promise<readonly string[]>((resolve, reject) => {
              const received: string[] = []
              const socket = new HandlerSocket(`${server.url}/`, [])
              socket.onerror = ({ error }) => reject(error)
              socket.onopen = () => {
                for (const text of sent) socket.send(`${name} ${text}`)
              }
              socket.onmessage = ({ data }) => {
                received.push(data as string)
                if (received.length === sent.length) socket.close()
              }
              socket.onclose = () => resolve(received)
            }),
        )
        for (const [index, name] of ['red', 'green', 'blue'].entries()) {
          assert.deepEqual(
            await echoes[index],
            sent.map((text) => `${name} ${text}`),
          )
        }
        assert.ok(server.metrics().sentBytes < 3000, 'the server has compressed the echoes')
      })
    })

    it('tells the reason of a refused handshake before it closes', async () => {
      await withServer(network, { upgrade: () => ({ status: 403, body: 'not you' }) }, async (server) => {
        const log: unknown[] = []
        await new Promise<void>((resolve) => {
          const socket = new HandlerSocket(`${server.url}/`, ['p'])
          socket.onerror = ({ error }) => log.push((error as { readonly status?: number }).status)
          socket.onclose = ({ code }) => {
            log.push(code)
            resolve()
          }
        })
        assert.deepEqual(log, [403, 1006])
      })
    })

    it('refuses a URL that is none as WebSocket does', () => {
      assert.throws(() => new HandlerSocket('http//x', []), { name: 'SyntaxError' })
    })
  })
}

describe('HandlerSocket', () => {
  it('goes on after a handler has thrown, and makes its error an uncaught one', async () => {
    const [network] = networks
    const thrown: (() => void)[] = []
    const { clientPorts } = network!
    const clock = { ...clientPorts.clock, defer: (callback: () => void) => void deferOrNote(callback) }
    const deferOrNote = (callback: () => void): void => {
      clientPorts.clock.defer(() => {
        try {
          callback()
        } catch (error) {
          thrown.push(() => {
            throw error
          })
        }
      })
    }
    const HandlerSocket = defineHandlerSocket({ ...clientPorts, clock })
    const hello = (socket: { send(message: string): unknown }): void => {
      for (const message of ['one', 'two']) socket.send(message)
    }
    await withServer(network!, { open: hello }, async (server) => {
      const got: unknown[] = []
      await new Promise<void>((resolve) => {
        const socket = new HandlerSocket(`${server.url}/`, [])
        socket.onmessage = ({ data }) => {
          got.push(data)
          if (data === 'two') socket.close()
          throw new Error(`handler of ${data}`)
        }
        socket.onclose = () => resolve()
      })
      assert.deepEqual(got, ['one', 'two'])
      assert.equal(thrown.length, 2)
      assert.throws(thrown[0]!, /handler of one/)
    })
  })
})
