import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { ClusterSubscriber } from './cluster-subscriber.js'
import type { IoredisLike } from './redis-client.js'

/** A connection that a test opens, ends, and sends messages by. */
class FakeConnection extends EventEmitter {
  status = 'connecting'
  readonly asked: string[] = []
  /** The error of the next subscription. */
  refusal: Error | undefined
  /** Names for which a command is refused whole. */
  forbidden: string[] = []

  readonly server: string

  constructor(server: string) {
    super()
    this.server = server
  }

  async #ask(command: string, names: string[]): Promise<void> {
    this.asked.push(`${command} ${names.join(' ')}`)
    if (this.refusal !== undefined) throw this.refusal
    const name = names.find((each) => this.forbidden.includes(each))
    if (name !== undefined) throw new Error(`NOPERM ${name}`)
  }

  subscribe = (...channels: string[]): Promise<void> => this.#ask('subscribe', channels)
  unsubscribe = (...channels: string[]): Promise<void> => this.#ask('unsubscribe', channels)
  psubscribe = (...globs: string[]): Promise<void> => this.#ask('psubscribe', globs)
  punsubscribe = (...globs: string[]): Promise<void> => this.#ask('punsubscribe', globs)

  async open(): Promise<void> {
    this.status = 'ready'
    this.emit('ready')
    await turn()
  }

  disconnect(): void {
    if (this.status === 'end') return
    this.status = 'end'
    this.emit('end')
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

let servers: string[]
let connections: FakeConnection[]
let log: string[]
beforeEach(() => {
  servers = ['a', 'b']
  connections = []
  log = []
  mock.timers.enable({ apis: ['setTimeout'] })
})
afterEach(() => mock.timers.reset())

function subscriber(): ClusterSubscriber {
  const nodes = (): { duplicate(options: object): IoredisLike }[] =>
    servers.map((server) => ({
      duplicate(options) {
        assert.deepEqual(options, { lazyConnect: false, retryStrategy: null })
        connections.push(new FakeConnection(server))
        return connections.at(-1) as unknown as IoredisLike
      },
    }))
  return new ClusterSubscriber(
    { nodes },
    {
      error: ({ message }) => log.push(message),
      lost: () => log.push('lost'),
      returned: () => log.push('returned'),
    },
    0,
  )
}

/** A subscriber of the channel x and of the glob p*, whose connection is lost. */
async function lostSubscriber(): Promise<ClusterSubscriber> {
  const subject = subscriber()
  const accepted = [subject.subscribe('x', () => undefined), subject.watch('p*', () => undefined)]
  await connections[0]!.open()
  await Promise.all(accepted)
  connections[0]!.disconnect()
  return subject
}

describe('the subscriber of a cluster', () => {
  it('makes the subscriptions that came before its connection, and each later one at once', async () => {
    const subject = subscriber()
    const early = [
      subject.subscribe('x', (message) => log.push(message)),
      subject.watch('p*', (...all) => log.push(...all)),
    ]
    await connections[0]!.open()
    await Promise.all(early)
    await subject.subscribe('y', () => undefined)
    assert.deepEqual(connections[0]!.asked, ['subscribe x', 'psubscribe p*', 'subscribe y'])
    connections[0]!.emit('message', 'x', 'of x')
    connections[0]!.emit('pmessage', 'p*', 'pa', 'of pa')
    assert.deepEqual(log, ['of x', 'pa', 'of pa'])
    await subject.unsubscribe('x')
    await subject.unwatch('p*')
    assert.deepEqual(connections[0]!.asked.slice(3), ['unsubscribe x', 'punsubscribe p*'])
    connections[0]!.emit('message', 'x', 'late')
    assert.equal(log.length, 3)
  })

  it('goes to the next server when it loses one, tells of it, and misses no subscription', async () => {
    const subject = subscriber()
    const first = subject.subscribe('x', () => undefined)
    await connections[0]!.open()
    await first
    connections[0]!.disconnect()
    assert.deepEqual(log, ['lost'])
    const meanwhile = subject.subscribe('y', () => undefined)
    await subject.unsubscribe('unknown')
    mock.timers.tick(100)
    assert.deepEqual(
      connections.map(({ server }) => server),
      ['a', 'b'],
    )
    await connections[1]!.open()
    await meanwhile
    assert.deepEqual([connections[1]!.asked, log], [['subscribe x y'], ['lost', 'returned']])
  })

  it('tries ten times a second at most while no server answers, and none is known', async () => {
    const subject = subscriber()
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      assert.equal(connections.length, attempt)
      connections.at(-1)!.disconnect()
      mock.timers.tick(99)
      assert.equal(connections.length, attempt)
      mock.timers.tick(1)
    }
    connections.at(-1)!.disconnect()
    servers = []
    mock.timers.tick(1000)
    assert.equal(connections.length, 6)
    servers = ['c']
    mock.timers.tick(100)
    assert.equal(connections.at(-1)!.server, 'c')
    assert.deepEqual(log, [], 'nothing was lost that never was there')
    subject.close()
  })

  it('rejects a subscription that the server refuses, and repeats one whose connection is lost', async () => {
    const subject = subscriber()
    await connections[0]!.open()
    connections[0]!.refusal = new Error('NOPERM')
    await assert.rejects(
      subject.subscribe('x', () => undefined),
      /NOPERM/,
    )
    connections[0]!.status = 'close'
    const repeated = subject.subscribe('y', () => undefined)
    await turn()
    connections[0]!.disconnect()
    mock.timers.tick(100)
    await connections[1]!.open()
    await repeated
    assert.deepEqual(log, ['lost', 'returned'])
  })

  it('asks for each name alone after the server has refused a command, and repeats no refused name', async () => {
    const subject = subscriber()
    const refused = assert.rejects(
      subject.subscribe('bad', () => undefined),
      /NOPERM bad/,
    )
    const accepted = [
      subject.subscribe('x', () => undefined),
      subject.subscribe('y', () => undefined),
      subject.watch('p*', () => undefined),
    ]
    connections[0]!.forbidden = ['bad']
    await connections[0]!.open()
    await Promise.all([refused, ...accepted])
    assert.deepEqual(connections[0]!.asked, [
      'subscribe bad x y',
      'subscribe bad',
      'subscribe x',
      'subscribe y',
      'psubscribe p*',
    ])
    connections[0]!.disconnect()
    mock.timers.tick(100)
    await connections[1]!.open()
    assert.deepEqual(
      [connections[1]!.asked, log],
      [
        ['subscribe x y', 'psubscribe p*'],
        ['lost', 'returned'],
      ],
    )
  })

  it('keeps the others if the server refuses what it accepted before, and asks for that again each second', async () => {
    const subject = await lostSubscriber()
    const waiting = subject.subscribe('y', (message) => log.push(message))
    mock.timers.tick(100)
    connections[1]!.forbidden = ['x']
    await connections[1]!.open()
    await waiting
    connections[1]!.emit('message', 'y', 'of y')
    const told = ['lost', 'Redis refuses the subscription to x, which it accepted before: NOPERM x', 'returned', 'of y']
    assert.deepEqual([log, connections[1]!.asked.splice(0).at(-1)], [told, 'psubscribe p*'])
    mock.timers.tick(1000)
    await turn()
    assert.deepEqual([log, connections[1]!.asked], [told, ['subscribe x', 'subscribe x']])
    connections[1]!.forbidden = []
    mock.timers.tick(1000)
    await turn()
    assert.deepEqual([log, connections[1]!.asked.length], [[...told, 'returned'], 3])
    mock.timers.tick(1000)
    assert.equal(connections[1]!.asked.length, 3)
    // Neither a lost connection nor a closed broker is asked.
    connections[1]!.disconnect()
    mock.timers.tick(100)
    connections[2]!.forbidden = ['x']
    await connections[2]!.open()
    connections[2]!.asked.length = 0
    subject.close()
    mock.timers.tick(2000)
    assert.deepEqual(connections[2]!.asked, [])
  })

  it('asks again for channels and globs that the server refuses', async () => {
    await lostSubscriber()
    mock.timers.tick(100)
    connections[1]!.forbidden = ['x', 'p*']
    await connections[1]!.open()
    assert.equal(log.filter((line) => line.includes('accepted before')).length, 2)
    connections[1]!.forbidden = []
    connections[1]!.asked.length = 0
    mock.timers.tick(1000)
    await turn()
    assert.deepEqual([connections[1]!.asked, log.at(-1)], [['subscribe x', 'psubscribe p*'], 'returned'])
  })

  it('refuses a subscription once it is closed', async () => {
    const subject = subscriber()
    subject.close()
    await assert.rejects(
      subject.subscribe('late', () => undefined),
      /the broker is closed/,
    )
  })

  it('ends a subscription that was left while a new connection made it', async () => {
    const subject = subscriber()
    const waiting = subject.subscribe('x', () => undefined)
    const opening = connections[0]!.open()
    await subject.unsubscribe('x')
    await Promise.all([opening, waiting])
    assert.deepEqual(connections[0]!.asked, ['subscribe x', 'unsubscribe x'])
  })

  it('keeps what waits if the connection is lost before it is made', async () => {
    const subject = subscriber()
    const waiting = subject.subscribe('x', () => undefined)
    connections[0]!.refusal = new Error('Connection is closed.')
    const opening = connections[0]!.open()
    connections[0]!.status = 'close'
    await opening
    connections[0]!.disconnect()
    mock.timers.tick(100)
    await connections[1]!.open()
    await waiting
  })

  it('connects no more once it is closed, and rejects what waits', async () => {
    const subject = subscriber()
    const waiting = assert.rejects(
      subject.subscribe('x', () => undefined),
      /the broker is closed/,
    )
    subject.close()
    await waiting
    mock.timers.tick(1000)
    assert.deepEqual([connections.length, connections[0]!.status, log], [1, 'end', []])
  })
})
