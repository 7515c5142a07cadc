import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'
import { startEchoService } from './echo-service.js'
import { bytesPerFrame, bytesPerTurn, type TurnClock, WorkTurns } from './work-turns.js'

/** Lets the service's turns come as fast as they can, and counts in each what was sent since the one before. */
class CountedTurns implements TurnClock {
  /** Bytes that were sent so far. */
  sent: () => number = () => 0
  most = 0
  turns = 0
  #now = 0
  #before = 0

  now(): number {
    return this.#now
  }

  after(delayMs: number, run: () => void): void {
    this.#now += delayMs
    this.nextTurn(run)
  }

  nextTurn(run: () => void): void {
    setImmediate(() => {
      const sent = this.sent()
      if (this.turns > 0) this.most = Math.max(this.most, sent - this.#before)
      this.#before = sent
      this.turns += 1
      run()
    })
  }
}

/** The settings that cause work without a message, or more work for a message, each at its limit; and the length of each client's messages. */
const heaviest: readonly (readonly [query: string, message: number])[] = [
  ['?rate=10000&size=1048576', 0],
  ['?rate=10000', 0],
  ['?size=1048576&rate=10000&ping=10&mirror=request', 0],
  ['?ping=10', 0],
  ['?fragment=1', 70_000],
  ['?fragment=65536', 1 << 20],
  ['?fragment=1&deflate', 70_000],
  ['?deflate', 1 << 20],
  ['?delay=5&jitter=5', 1 << 20],
  ['?delay=5', 1],
  ['?drop=0&close=1000&after=1000000000', 1],
  ['?slow=1073741824', 1 << 20],
]

const clients = 8
const longestFragment = 65_536
const enoughTurns = 20

describe('the echo service with extreme settings', () => {
  for (const [query, message] of heaviest) {
    for (const reads of [true, false]) {
      it(`keeps to the limit of a turn: ${query}, to clients that ${reads ? 'read' : 'do not read'}`, async () => {
        const clock = new CountedTurns()
        const server = await startEchoService({ port: 0, host: '127.0.0.1' }, {}, new WorkTurns(clock))
        clock.sent = () => server.metrics().sentBytes
        const sockets: Socket[] = []
        for (let count = 0; count < clients; count++) {
          const socket = connect(server.port, '127.0.0.1')
          socket.on('error', () => {})
          if (reads) socket.resume()
          const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate' }
          socket.write(request(requestLines(server.port, offer), `GET /${query} HTTP/1.1`))
          if (message > 0) {
            const sent = clientFrame(opcodes.binary, Buffer.alloc(message, 'x'))
            socket.write(Buffer.concat(Array(message === 1 ? 2000 : 8).fill(sent)))
          }
          sockets.push(socket)
        }
        // A service that waits for clients that do not read has fewer turns: as many as it has before it waits. On a busy machine
        // the first takes long.
        while (clock.turns === 0) await setTimeout(5)
        const waiting = AbortSignal.timeout(reads ? 2000 : 300)
        while (clock.turns < enoughTurns && !waiting.aborted) await setTimeout(5)
        const { most } = clock
        const ended = server.close()
        for (const socket of sockets) socket.destroy()
        await ended
        // Beside what has its turn there are handshakes' answers, headers, and a fragment that each gathered before.
        assert.ok(most <= bytesPerTurn + clients * (bytesPerFrame + longestFragment), `${most} bytes in a turn`)
      })
    }
  }
})
