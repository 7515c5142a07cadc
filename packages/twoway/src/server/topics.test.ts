import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { type Network, networks } from 'twoway-testing/peers/networks.js'
import type { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { UsageError } from '../core/errors.js'
import type { ServerRegistration, SharedTopics } from '../ports/broker/shared-topics.js'
import type { ServeOptions } from './handler-types.js'
import type { Server, ServerSocket } from './server-types.js'

/** Frames of a text. */
const framesOf = (...texts: readonly string[]): string[] =>
  texts.map((text) => `1 ${Buffer.from(text).toString('hex')}`)

function refusedAs(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof UsageError && error.code === code && message.test(error.message)
}

for (const network of networks) {
  describe(`topics: ${network.name}`, () => {
    async function withPeers(
      count: number,
      test: (server: Server, sockets: readonly ServerSocket[], peers: readonly RawPeer[]) => Promise<void>,
      options: ServeOptions<undefined> = {},
    ): Promise<void> {
      const sockets: ServerSocket[] = []
      const open = (socket: ServerSocket): void => void sockets.push(socket)
      await withServer(network, { ...options, open }, async (server, connect) => {
        const peers: RawPeer[] = []
        for (let index = 0; index < count; index += 1) {
          const peer = connect(handshakeRequest())
          await peer.head()
          peers.push(peer)
        }
        await test(server, sockets, peers)
      })
    }

    it('sends a message to the subscribers of its topic, to each once, and returns how many took it', async () => {
      await withPeers(4, async (server, [a, b, c, d], peers) => {
        a!.subscribe('room.1')
        b!.subscribe('room.*')
        b!.subscribe('room.1')
        b!.subscribe('>')
        c!.subscribe('room.2')
        d!.subscribe('room')
        assert.equal(server.publish('room.1', 'one'), 2)
        assert.equal(server.publish('room.2', 'two'), 2)
        assert.equal(server.publish('room.1.x', 'three'), 1)
        assert.equal(server.publish('room', 'four'), 2)
        assert.equal(server.broadcast('last'), 4)
        assert.deepEqual(await peers[0]!.framesOf(2), framesOf('one', 'last'))
        assert.deepEqual(await peers[1]!.framesOf(5), framesOf('one', 'two', 'three', 'four', 'last'))
        assert.deepEqual(await peers[2]!.framesOf(2), framesOf('two', 'last'))
        assert.deepEqual(await peers[3]!.framesOf(2), framesOf('four', 'last'))
      })
    })

    it('leaves out `except`, and takes bytes', async () => {
      await withPeers(2, async (server, [a, b], peers) => {
        a!.subscribe('t')
        b!.subscribe('t')
        assert.equal(server.publish('t', Uint8Array.of(1), { except: a }), 1)
        assert.equal(server.publish('t', new ArrayBuffer(2), { except: b }), 1)
        assert.equal(server.publish('none', 'nobody'), 0)
        assert.deepEqual(await peers[0]!.framesOf(1), ['2 0000'])
        assert.deepEqual(await peers[1]!.framesOf(1), ['2 01'])
      })
    })

    it('returns the topics of a socket and the subscribers of a topic, as copies', async () => {
      await withPeers(2, async (server, [a, b]) => {
        assert.equal(a!.subscribe('x'), true)
        assert.equal(a!.subscribe('x'), false)
        assert.equal(a!.subscribe('x.*'), true)
        assert.equal(b!.subscribe('x'), true)
        assert.deepEqual([...a!.topics], ['x', 'x.*'])
        assert.deepEqual([...server.subscribers('x')], [a, b])
        assert.deepEqual([...server.subscribers('x.1')], [a])
        const copies = [a!.topics, server.subscribers('x')] as unknown as Set<unknown>[]
        for (const copy of copies) copy.clear()
        assert.equal(a!.unsubscribe('x'), true)
        assert.equal(a!.unsubscribe('x'), false)
        assert.deepEqual([...a!.topics], ['x.*'])
        assert.deepEqual([...server.subscribers('x')], [b])
      })
    })

    it('ends the subscriptions of a closed connection, which can make no more', async () => {
      let isClosed: () => void
      const closed = new Promise<void>((resolve) => {
        isClosed = resolve
      })
      const options: ServeOptions<undefined> = {
        close(socket) {
          assert.deepEqual([...socket.topics], [])
          assert.equal(socket.subscribe('a'), false)
          assert.equal(socket.unsubscribe('a'), false)
          isClosed()
        },
      }
      await withPeers(
        2,
        async (server, [a, b]) => {
          for (const socket of [a!, b!]) for (const topic of ['a', 'a.*', 'b']) socket.subscribe(topic)
          a!.terminate()
          assert.equal(a!.subscribe('late'), false)
          await closed
          assert.deepEqual([...server.subscribers('a')], [b])
          assert.deepEqual([...server.subscribers('late')], [])
        },
        options,
      )
    })

    it('skips a slow connection for a volatile message, and for no other', async () => {
      await withPeers(
        2,
        async (server, [a, b], peers) => {
          for (const socket of [a!, b!]) socket.subscribe('cursor')
          a!.send('a long message')
          assert.equal(server.publish('cursor', 'left out', { volatile: true }), 1)
          assert.equal(server.publish('cursor', 'not left out'), 2)
          assert.deepEqual(await peers[0]!.framesOf(2), framesOf('a long message', 'not left out'))
          assert.deepEqual(await peers[1]!.framesOf(2), framesOf('left out', 'not left out'))
        },
        { highWaterMarkBytes: 10 },
      )
    })

    it('refuses invalid names, and changes nothing', async () => {
      await withPeers(1, async (server, [socket]) => {
        for (const wrong of ['', 'a..b', 'a b', '>.a', 'a*', 'a'.repeat(256)]) {
          assert.throws(() => socket!.subscribe(wrong), refusedAs('topicInvalid', /a topic|whole token|last token/))
          assert.throws(() => socket!.unsubscribe(wrong), refusedAs('topicInvalid', /a topic|whole token|last token/))
          assert.throws(() => server.publish(wrong, 'x'), refusedAs('topicInvalid', /a topic|whole token|last token/))
        }
        assert.throws(() => server.publish('a.*', 'x'), refusedAs('topicInvalid', /patterns only/))
        assert.throws(() => server.subscribers('>'), refusedAs('topicInvalid', /patterns only/))
        assert.throws(() => socket!.subscribe(5 as never), refusedAs('topicInvalid', /a string, not number/))
        assert.throws(() => server.publish('a', 5 as never), refusedAs('messageTypeInvalid', /./))
        assert.equal(socket!.topics.size, 0)
      })
    })

    it('refuses more topics than a limit, and names the limit', async () => {
      await withPeers(
        2,
        async (server, [a, b]) => {
          a!.subscribe('1')
          a!.subscribe('2')
          assert.throws(() => a!.subscribe('3'), refusedAs('tooManyTopics', /maxTopicsPerConnection is 2: unsubscribe/))
          b!.subscribe('3')
          assert.throws(() => b!.subscribe('4'), refusedAs('tooManyTopics', /maxTopics is 3: unsubscribe/))
          assert.equal(b!.subscribe('1'), true)
          assert.deepEqual(server.metrics().limits, { maxTopicsPerConnection: 1, maxTopics: 1 })
        },
        { maxTopicsPerConnection: 2, maxTopics: 3 },
      )
    })
  })
}

/** Topics that servers of several processes share; a message arrives when the test says so. */
class DelayedTopics implements SharedTopics {
  readonly told: string[] = []
  /** Whether messages can't be sent to the other processes. */
  isFull = false
  readonly #waiting: (() => void)[] = []
  #last = 0

  register(deliver: Parameters<SharedTopics['register']>[0]): ServerRegistration {
    return {
      changed: (pattern, hasSubscribers) => void this.told.push(`${hasSubscribers ? '+' : '-'}${pattern}`),
      publish: (message) => {
        if (this.isFull) return undefined
        const own = ++this.#last
        this.#waiting.push(() => deliver(message, own))
        return own
      },
    }
  }

  arrive(): void {
    for (const deliver of this.#waiting.splice(0)) deliver()
  }
}

describe('topics that processes share', () => {
  async function withTwo(
    test: (
      shared: DelayedTopics,
      server: Server,
      sockets: readonly [ServerSocket, ServerSocket],
      peers: readonly [RawPeer, RawPeer],
    ) => Promise<void>,
  ): Promise<void> {
    const shared = new DelayedTopics()
    const [memory] = networks as readonly [Network]
    const network = { ...memory, serverPorts: { ...memory.serverPorts, sharedTopics: () => shared } }
    const sockets: ServerSocket[] = []
    await withServer(network, { open: (socket) => void sockets.push(socket) }, async (server, connect) => {
      const peers = [connect(handshakeRequest()), connect(handshakeRequest())] as const
      for (const peer of peers) await peer.head()
      await test(shared, server, sockets as unknown as readonly [ServerSocket, ServerSocket], peers)
    })
  }

  it('tells the first and last subscriber of a topic, and delivers a message when it is back', async () => {
    await withTwo(async (shared, server, [a, b], peers) => {
      a.subscribe('t')
      b.subscribe('t')
      assert.equal(server.publish('t', 'one'), 2)
      server.broadcast('before')
      shared.arrive()
      for (const peer of peers) assert.deepEqual(await peer.framesOf(2), framesOf('before', 'one'))
      a.unsubscribe('t')
      b.unsubscribe('t')
      assert.deepEqual(shared.told, ['+t', '-t'])
    })
  })

  it('leaves out `except` also if it subscribes before the message is back', async () => {
    await withTwo(async (shared, server, [a, b], peers) => {
      a.subscribe('t')
      assert.equal(server.publish('t', 'b is here', { except: b }), 1)
      b.subscribe('t')
      assert.equal(server.publish('t', 'for b', { except: a }), 1)
      shared.arrive()
      server.broadcast('last')
      assert.deepEqual(await peers[0].framesOf(2), framesOf('b is here', 'last'))
      assert.deepEqual(await peers[1].framesOf(2), framesOf('for b', 'last'))
    })
  })

  it('returns 0 for a message that can not be sent, and leaves out nobody of the next one', async () => {
    await withTwo(async (shared, server, [a, b], peers) => {
      a.subscribe('t')
      b.subscribe('t')
      shared.isFull = true
      assert.equal(server.publish('t', 'lost', { except: a }), 0)
      shared.isFull = false
      assert.equal(server.publish('t', 'next'), 2)
      shared.arrive()
      for (const peer of peers) assert.deepEqual(await peer.framesOf(1), framesOf('next'))
    })
  })
})
