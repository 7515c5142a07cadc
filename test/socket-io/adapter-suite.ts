import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ResumableBroker } from 'twoway/hub'
import { Cluster, event, type Node, type Untyped, until } from './cluster.js'

const recovery = { connectionStateRecovery: { skipMiddlewares: false } }

/** The rules of the Socket.IO adapter, on one broker. `broker` makes a node's connection to it. */
export function adapterSuite(name: string, load: () => NodeJS.Require, broker: () => Promise<ResumableBroker>): void {
  let clusters = 0

  /** A cluster of its own for each test. */
  async function play(count: number, options: object, body: (cluster: Cluster, nodes: Node[]) => Promise<void>) {
    clusters += 1
    const cluster = new Cluster(load(), { prefix: `io.${name.replace(/\W/g, '-')}-${clusters}` })
    try {
      const nodes: Node[] = []
      for (let index = 0; index < count; index += 1) nodes.push(await cluster.start(await broker(), options))
      await cluster.met(...nodes)
      await body(cluster, nodes)
    } finally {
      await cluster.end()
    }
  }

  describe(`Socket.IO adapter on ${name}`, { timeout: 60_000 }, () => {
    it('broadcasts to rooms of all nodes, without those that are excepted', async () => {
      await play(3, {}, async (cluster, nodes) => {
        const seen: string[][] = []
        const clients: Untyped[] = []
        for (const [index, { io, port }] of nodes.entries()) {
          io.on('connection', (socket: Untyped) => socket.join([`node ${index}`, 'all']))
          const client = await cluster.client(port)
          const mine: string[] = []
          client.onAny((word: string) => mine.push(word))
          seen.push(mine)
          clients.push(client)
        }
        const [first, second] = nodes as [Node, Node]
        first.io.emit('everyone')
        second.io.to('node 0').emit('first')
        second.io.to('all').except('node 1').emit('not second')
        first.io.local.emit('local')
        first.io.sockets.sockets.get(clients[0].id).broadcast.emit('others')
        await until(() => seen.every(({ length }, index) => length === [4, 2, 3][index]))
        // Socket.IO drops it where other packets are on their way.
        second.io.volatile.emit('volatile')
        await until(() => seen.every((words) => words.includes('volatile')))
        assert.deepEqual(
          seen.map((words) => [...words].sort()),
          [
            ['everyone', 'first', 'local', 'not second', 'volatile'],
            ['everyone', 'others', 'volatile'],
            ['everyone', 'not second', 'others', 'volatile'],
          ],
        )
      })
    })

    it('delivers broadcasts of several nodes in one order to all', async () => {
      await play(2, {}, async (cluster, nodes) => {
        const seen: string[][] = []
        for (const { port } of nodes) {
          const client = await cluster.client(port)
          const mine: string[] = []
          client.on('word', (word: string) => mine.push(word))
          seen.push(mine)
        }
        for (let index = 0; index < 100; index += 1) {
          for (const [number, { io }] of nodes.entries()) io.emit('word', `${number} ${index}`)
          if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
        await until(() => seen.every((words) => words.length === 200))
        assert.deepEqual(seen[0], seen[1])
        for (const number of [0, 1]) {
          const own = seen[0]!.filter((word) => word.startsWith(`${number} `))
          assert.deepEqual(
            own,
            Array.from({ length: 100 }, (_, index) => `${number} ${index}`),
          )
        }
      })
    })

    it('carries bytes at any depth, and values that look like placeholders of bytes', async () => {
      await play(2, {}, async (cluster, [one, two]) => {
        const client = await cluster.client(two!.port)
        const got = new Promise<unknown[]>((resolve) => client.once('bytes', (...args: unknown[]) => resolve(args)))
        const placeholder = { _placeholder: true, num: 0 }
        one!.io.emit('bytes', Buffer.from([1, 2]), { deep: [Uint8Array.of(3)], empty: new ArrayBuffer(0) }, 'é')
        const [first, second, third] = (await got) as [Buffer, { deep: Buffer[]; empty: Buffer }, string]
        assert.deepEqual([...first], [1, 2])
        assert.deepEqual([...second.deep[0]!], [3])
        assert.equal(second.empty.length, 0)
        assert.equal(third, 'é')
        const sent = new Promise<unknown[]>((resolve) => two!.io.once('bytes', (...args: unknown[]) => resolve(args)))
        one!.io.serverSideEmit('bytes', placeholder, Buffer.from([4]))
        assert.deepEqual(await sent, [placeholder, Buffer.from([4])])
      })
    })

    it('sends what was broadcast, not what the caller changes later', async () => {
      await play(2, {}, async (cluster, nodes) => {
        const clients = await Promise.all(nodes.map(({ port }) => cluster.client(port)))
        const got = clients.map((client) => event(client, 'state'))
        const state = { tick: 1 }
        nodes[0]!.io.emit('state', state)
        state.tick = 2
        assert.deepEqual(await Promise.all(got), [{ tick: 1 }, { tick: 1 }])
      })
    })

    it('collects the acknowledgements of the clients of all nodes', async () => {
      await play(3, {}, async (cluster, nodes) => {
        for (const [index, { port }] of nodes.entries()) {
          const client = await cluster.client(port)
          client.on('question', (text: string, answer: (value: unknown) => void) => answer(`${text} ${index}`))
        }
        const answers = await nodes[1]!.io.timeout(5000).emitWithAck('question', 'node')
        assert.deepEqual([...answers].sort(), ['node 0', 'node 1', 'node 2'])
        const mute = await cluster.client(nodes[2]!.port)
        await assert.rejects(nodes[0]!.io.timeout(200).emitWithAck('question', 'mute'), /timed out/)
        mute.disconnect()
      })
    })

    it('finds, moves and disconnects the sockets of all nodes', async () => {
      await play(2, {}, async (cluster, [one, two]) => {
        for (const { io } of [one!, two!]) {
          io.on('connection', (socket: Untyped) => {
            socket.data.name = socket.handshake.auth.name
          })
        }
        const clients = [
          await cluster.client(one!.port, { auth: { name: 'a' } }),
          await cluster.client(two!.port, { auth: { name: 'b' } }),
        ]
        const namesIn = async (room: string): Promise<string[]> =>
          (await one!.io.in(room).fetchSockets()).map((socket: Untyped) => socket.data.name).sort()
        assert.deepEqual((await one!.io.fetchSockets()).map((socket: Untyped) => socket.data.name).sort(), ['a', 'b'])
        one!.io.socketsJoin('room')
        await until(async () => (await namesIn('room')).length === 2)
        const far = (await one!.io.fetchSockets()).find((socket: Untyped) => socket.data.name === 'b')
        assert.deepEqual([...far.rooms].sort(), [clients[1].id, 'room'].sort())
        const hello = event(clients[1], 'hello')
        far.emit('hello', 1)
        assert.equal(await hello, 1)
        two!.io.in(clients[0].id).socketsLeave('room')
        await until(async () => (await namesIn('room')).length === 1)
        assert.deepEqual(await namesIn('room'), ['b'])
        const gone = event(clients[1], 'disconnect')
        one!.io.in('room').disconnectSockets(true)
        assert.equal(await gone, 'io server disconnect')
        assert.deepEqual(await namesIn('room'), [])
      })
    })

    it('emits to servers, with their answers, and waits for no node that has closed', async () => {
      await play(3, {}, async (_, nodes) => {
        const [one, two, three] = nodes as [Node, Node, Node]
        const seen: unknown[] = []
        for (const [index, { io }] of nodes.entries()) {
          io.on('note', (text: string) => seen.push(`${text} ${index}`))
          io.on('ask', (text: string, answer: (value: unknown) => void) => answer(`${text} ${index}`))
        }
        one.io.serverSideEmit('note', 'for')
        await until(() => seen.length === 2)
        assert.deepEqual(seen.sort(), ['for 1', 'for 2'])
        assert.deepEqual((await two.io.serverSideEmitWithAck('ask', 'from')).sort(), ['from 0', 'from 2'])
        await three.close()
        await until(async () => (await one.io.of('/').adapter.serverCount()) === 2)
        assert.deepEqual(await one.io.serverSideEmitWithAck('ask', 'now'), ['now 1'])
      })
    })

    it('keeps namespaces apart, whatever their names', async () => {
      await play(1, {}, async (cluster, [one]) => {
        const two = await cluster.start(await broker())
        const names = ['/a.b', '/a b', '/*', '/é>']
        for (const each of [one!, two]) for (const space of names) each.io.of(space)
        const { io: connect } = load()('socket.io-client')
        for (const space of names) {
          const client = connect(`http://127.0.0.1:${two.port}${space}`, { transports: ['websocket'], forceNew: true })
          await event(client, 'connect')
          const got = event(client, 'name')
          // A namespace that is new at a node takes a moment to be open at the broker, and misses messages until then.
          const emitAll = (): void => {
            for (const other of names) one!.io.of(other).emit('name', other)
          }
          emitAll()
          const repeating = setInterval(emitAll, 200)
          assert.equal(await got, space)
          clearInterval(repeating)
          client.disconnect()
        }
      })
    })

    it('recovers clients over the restart of their server: rooms, data and missed packets, bytes too', async () => {
      await play(2, recovery, async (cluster, [one, two]) => {
        one!.io.on('connection', (socket: Untyped) => {
          if (socket.recovered) return
          socket.join('room')
          socket.data.name = 'a'
          socket.emit('welcome')
        })
        const client = cluster.newClient(one!.port)
        const seen: unknown[] = []
        client.on('word', (word: unknown) => seen.push(word))
        await event(client, 'welcome')
        one!.io.to('room').emit('word', 1)
        await until(() => seen.length === 1)
        const { id } = client
        const gone = event(client, 'disconnect')
        await one!.close()
        await gone
        two!.io.to('room').emit('word', 2)
        two!.io.to('other').emit('word', 'never')
        two!.io.to(id).emit('word', Buffer.from([3]))
        two!.io.volatile.emit('word', 'volatile')
        const again = await cluster.start(await broker(), recovery, one!.port)
        let sockets: Untyped[] = []
        again.io.on('connection', (socket: Untyped) => sockets.push(socket))
        again.io.use((_: unknown, next: () => void) => {
          // A packet that comes between the session's recovery and the connection.
          two!.io.to('room').emit('word', 4)
          setTimeout(next, 50)
        })
        await event(client, 'connect')
        await until(() => sockets.length === 1)
        two!.io.to('room').emit('word', 5)
        await until(() => seen.includes(5))
        assert.deepEqual(seen, [1, 2, Buffer.from([3]), 4, 5])
        assert.equal(client.recovered, true)
        assert.equal(client.id, id)
        assert.deepEqual([sockets[0].recovered, sockets[0].data.name], [true, 'a'])
        assert.deepEqual([...sockets[0].rooms].sort(), [id, 'room'].sort())
        sockets = []
      })
    })

    it('recovers a client on another node', async () => {
      await play(2, recovery, async (cluster, [one, two]) => {
        // The node that the client leaves must see that, and store the session, before the other one looks for it.
        const client = cluster.newClient(one!.port, { reconnectionDelay: 500 })
        const seen: number[] = []
        client.on('word', (word: number) => seen.push(word))
        await event(client, 'connect')
        one!.io.emit('word', 1)
        await until(() => seen.length === 1)
        client.io.uri = `http://127.0.0.1:${two!.port}`
        // The client's address is fixed when it connects, so that a proxy's part is played by its options.
        client.io.opts.port = String(two!.port)
        for (let word = 2; word <= 30; word += 1) {
          one!.io.emit('word', word)
          if (word === 10) client.io.engine.close()
          if (word % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 10))
        }
        await until(() => seen.includes(30))
        assert.deepEqual(
          seen,
          Array.from({ length: 30 }, (_, index) => index + 1),
        )
        assert.equal(client.recovered, true)
      })
    })

    it('recovers no client whose position or session is unknown, nor after the time that Socket.IO allows', async () => {
      const short = { connectionStateRecovery: { maxDisconnectionDuration: 1 } }
      await play(1, short, async (cluster, [one]) => {
        const client = cluster.newClient(one!.port)
        await event(client, 'connect')
        const got = event(client, 'word')
        one!.io.emit('word', 1)
        await got
        const again = event(client, 'connect')
        client.io.engine.close()
        await again
        assert.equal(client.recovered, false)
        const { pid, offset } = { pid: client._pid, offset: client._lastOffset }
        const { adapter } = one!.io.of('/')
        for (const wrong of ['', 'x', '1', '1-x', `${offset}x`, '999999999-x', '99999999999999999999-x'])
          assert.equal(await adapter.restoreSession(pid, wrong), null)
        assert.equal(await adapter.restoreSession('another', offset), null)
      })
    })

    it('asks the broker a few times for a storm of clients', async () => {
      let reads = 0
      await play(1, recovery, async (cluster, [one]) => {
        const clients = await Promise.all(Array.from({ length: 100 }, () => cluster.client(one!.port)))
        let seen = 0
        for (const client of clients) client.on('word', () => (seen += 1))
        one!.io.emit('word', 1)
        await until(() => seen === 100)
        const back = clients.map((client) => event(client, 'connect'))
        await one!.close()
        const again = await cluster.start(
          counted(await broker(), () => (reads += 1)),
          recovery,
          one!.port,
        )
        await Promise.all(back)
        assert.deepEqual(new Set(clients.map(({ recovered }) => recovered)), new Set([true]))
        again.io.emit('word', 2)
        await until(() => seen === 200)
      })
      assert.ok(reads <= 30, `${reads} reads`)
    })
  })
}

/** The broker, with a call for each of its reads. */
function counted(broker: ResumableBroker, read: () => void): ResumableBroker {
  return {
    delivery: 'resumable',
    watch: (pattern, events) => broker.watch(pattern, events),
    async open(name, events) {
      const topic = await broker.open(name, events)
      return {
        publish: (content, id) => topic.publish(content, id),
        send: (content) => topic.send(content),
        leave: () => topic.leave(),
        head: () => {
          read()
          return topic.head()
        },
        since: (position, most) => {
          read()
          return topic.since(position, most)
        },
        last: (most) => {
          read()
          return topic.last(most)
        },
      }
    },
  }
}
