import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'twoway'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import { echoTrip } from './echo-trip.js'
import { FaultProcess } from './fault-process.js'
import { FaultProxy, type Faults, type Mishap } from './fault-proxy.js'
import { FaultServer } from './fault-server-process.js'

const serverTimes = { handshakeTimeoutMs: 600, closeTimeoutMs: 300, idleTimeoutMs: 1500 }
const clientTimes = { handshakeTimeoutMs: 800, closeTimeoutMs: 300, patienceMs: 200 }
/** Messages on both sides of the boundaries of the forms of a length. */
const messages = ['short', 'm'.repeat(126), '水'.repeat(30_000)]

/** The positions of a fault: within the head, at its end, within the headers and payloads of the first frames, and among the last. */
const places = [0, 1, 17, 120, 150, 190, 200, 210, 220, 300, 350, 400, 60_000, 90_500, 90_700]

/** Waits long enough for a server to drop clients that disappeared without notice. */
const settleMs = 30_000

describe('faults of the network and of processes', { concurrency: 4 }, () => {
  for (const transport of ['', 'stream']) {
    describe(`a server${transport === '' ? '' : `, TWOWAY_TRANSPORT=${transport}`}`, {
      concurrency: 1,
    }, () => {
      let server: FaultServer
      let descriptors: number
      before(async () => {
        server = await FaultServer.start(serverTimes, {
          environment: transport === '' ? {} : { TWOWAY_TRANSPORT: transport },
        })
        await echoTrip(server.url, { messages })
        descriptors = (await server.state()).descriptors
      })
      after(() => server.kill())

      /** After each fault no connection is left, no memory is held, and a new client is served. */
      async function isAsBefore(): Promise<void> {
        const { connections, descriptors: left } = await server.settled(0, descriptors, settleMs)
        assert.deepEqual({ connections, descriptors: left }, { connections: 0, descriptors })
        assert.ok(await server.serves())
        assert.equal(server.process.errors, '')
      }

      for (const mishap of ['reset', 'cut', 'swallow', 'stall', 'forget'] satisfies readonly Mishap[]) {
        it(`ends a connection with the fault '${mishap}' at any byte in either direction, and so does the client`, async () => {
          const faults = places.flatMap((bytes) =>
            (['up', 'down'] as const).map((direction) => ({ [direction]: { at: [bytes, mishap] as const } })),
          )
          const proxy = await FaultProxy.listen(server.port, (index) => faults[index]!)
          const url = `ws://127.0.0.1:${proxy.port}`
          for (const trip of await Promise.all(faults.map(() => echoTrip(url, { ...clientTimes, messages })))) {
            assert.equal(trip.isGarbled, false)
            assert.ok(trip.opened || trip.error !== '', 'who never opened is told why')
          }
          // The proxy keeps the connections of a blackhole open: the server must find them itself.
          await isAsBefore()
          await proxy.close()
        })
      }

      it('delivers messages that arrive late, slowly or byte by byte', async () => {
        const slow: Faults[] = [
          { up: { pieceBytes: 1000 }, down: { pieceBytes: 1000 } },
          { up: { delayMs: 30 }, down: { delayMs: 30 } },
          { up: { bytesPerSecond: 2e6 }, down: { bytesPerSecond: 2e6 } },
        ]
        const [longOne, ...shortOnes] = [messages.at(-1)!, ...messages.slice(0, 2)]
        for (const faults of slow) {
          const proxy = await FaultProxy.listen(server.port, faults)
          const trip = await echoTrip(`ws://127.0.0.1:${proxy.port}`, { messages: [longOne], patienceMs: 20_000 })
          assert.deepEqual([trip.echoes, trip.code, trip.wasClean], [1, 1000, true])
          await proxy.close()
        }
        const byteByByte = await FaultProxy.listen(server.port, { up: { pieceBytes: 1 }, down: { pieceBytes: 1 } })
        const url = `ws://127.0.0.1:${byteByByte.port}`
        const trip = await echoTrip(url, { messages: shortOnes, patienceMs: 20_000 })
        assert.deepEqual([trip.echoes, trip.code, trip.wasClean], [2, 1000, true])
        await byteByByte.close()
        await isAsBefore()
      })

      it('finds a client whose machine hangs (SIGSTOP), and the client notices when it continues (SIGCONT)', async () => {
        const client = new FaultProcess('fault-client', [server.url])
        await client.said()
        client.stop()
        await isAsBefore()
        const told = client.said<{ code: number }>()
        client.continue()
        assert.equal((await told).code, 1006)
        await client.kill()
      })

      it('continues after its own process was stopped: its clients get late answers or an error', async () => {
        const waiting = await RawSocket.open(server.port)
        assert.ok(waiting)
        server.process.stop()
        const trip = echoTrip(server.url, { ...clientTimes, messages: ['hello'] })
        assert.match((await trip).error, /timed out after 800 ms/)
        server.process.continue()
        waiting.destroy()
        await isAsBefore()
      })
    })
  }

  describe('a server that is out of descriptors', () => {
    it('serves open connections, and new ones when descriptors are free again', async (test) => {
      const server = await FaultServer.start({ ...serverTimes, handshakeTimeoutMs: 20_000 }, { descriptors: 256 })
      test.after(() => server.kill())
      const first = await RawSocket.open(server.port)
      assert.ok(first)
      const { descriptors } = await server.state()
      const crowd = Array.from({ length: 400 }, () => new RawSocket(server.port))
      assert.ok(await server.isOutOfDescriptors(30_000))
      first.send(Buffer.from('818000000000', 'hex'))
      assert.ok(await first.until(() => first.count(1) === 1, 30_000))
      for (const peer of crowd) peer.destroy()
      // The server refuses new clients until it has noticed that the crowd left.
      assert.equal((await server.settled(1, descriptors, settleMs)).descriptors, descriptors)
      assert.ok(await server.serves())
      first.destroy()
      assert.equal((await server.settled(0, descriptors, settleMs)).connections, 0)
    })
  })

  describe('a client whose server is gone', () => {
    async function connected(url: string): Promise<WebSocket> {
      const socket = new WebSocket(url, { closeTimeoutMs: 300 })
      await new Promise((resolve) => {
        socket.onopen = resolve
      })
      return socket
    }

    function closing(socket: WebSocket): Promise<{ readonly code: number; readonly wasClean: boolean }> {
      return new Promise((resolve) => {
        socket.onclose = ({ code, wasClean }) => resolve({ code, wasClean })
      })
    }

    it('gets an error at once if the server is killed', async () => {
      const server = await FaultServer.start()
      const closed = closing(await connected(server.url))
      await server.kill()
      assert.deepEqual(await closed, { code: 1006, wasClean: false })
    })

    it('can close if the server hangs, or if the network forgets the connection', async (test) => {
      const server = await FaultServer.start()
      test.after(() => server.kill())
      const proxy = await FaultProxy.listen(server.port)
      test.after(() => proxy.close())
      const sockets = await Promise.all([connected(server.url), connected(`ws://127.0.0.1:${proxy.port}`)])
      for (const connection of proxy.connections) connection.befall('forget')
      server.process.stop()
      for (const socket of sockets) {
        const closed = closing(socket)
        socket.close(1000)
        assert.deepEqual(await closed, { code: 1006, wasClean: false })
      }
    })
  })
})
