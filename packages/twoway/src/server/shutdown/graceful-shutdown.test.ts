import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { defineGracefulShutdown, type ShutdownTarget } from './graceful-shutdown.js'
import type { Drainable, ShutdownOptions } from './shutdown-types.js'

interface HttpServer {
  readonly name: string
}

/** A process whose signals the test sends, and whose servers do what the test lets them. */
class Scene {
  readonly clock = new FakeClock()
  readonly log: string[] = []
  readonly httpServers = new Map<object, HttpServer>()
  readonly #ends = new Map<string, () => void>()
  #signal: (name: string) => void = () => {}

  readonly shutDown = defineGracefulShutdown<HttpServer>({
    clock: this.clock,
    signals: {
      numberOf: (name) => ({ SIGTERM: 15, SIGINT: 2 })[name],
      listen: (names, callback) => {
        this.#signal = (name) => (names.includes(name) ? callback(name) : undefined)
        return () => {
          this.#signal = () => {}
        }
      },
      exit: (code) => void this.log.push(`exit ${code}`),
    },
    httpServerOf: (server) => this.httpServers.get(server),
    httpServerTarget: ({ name }) => (name === undefined ? undefined : this.#httpTarget(name)),
    leave: async () => void this.log.push('leave'),
    report: (error) => void this.log.push((error as Error).message),
  })

  signal(name: string): Promise<void> {
    this.#signal(name)
    return this.settle()
  }

  /** A server, or workers if it has their URLs. */
  server(name: string, members: object = {}): Drainable {
    const { log } = this
    return {
      isReady: true,
      notReady: () => void log.push(`${name} is not ready`),
      drain: ({ withinMs, stopListening }) => {
        log.push(`${name} drains ${withinMs} ${stopListening}`)
        return new Promise((resolve) => this.#ends.set(name, resolve))
      },
      close: async ({ withinMs } = {}) => void log.push(`${name} closes ${withinMs}`),
      ...members,
    }
  }

  /** Ends the drain of a server. */
  end(name: string): Promise<void> {
    this.#ends.get(name)!()
    return this.settle()
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 10; round += 1) await new Promise(setImmediate)
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms)
    await this.settle()
  }

  /** The events since the last call. */
  get news(): string[] {
    return this.log.splice(0)
  }

  #httpTarget(name: string): ShutdownTarget {
    return {
      isReady: true,
      notReady: () => {},
      drain: () => {
        this.log.push(`${name} drains`)
        return new Promise((resolve) => this.#ends.set(name, resolve))
      },
      drop: async (withinMs) => {
        this.log.push(`${name} drops ${withinMs}`)
        return false
      },
    }
  }
}

function withThen(log: string[], options: ShutdownOptions = {}): ShutdownOptions {
  // biome-ignore lint/suspicious/noThenProperty: the option is called so
  return { ...options, then: ({ signal, inTime }) => void log.push(`then ${signal} ${inTime}`) }
}

describe('gracefulShutdown: its steps', () => {
  it('turns readiness off, waits, drains all at once, calls then when the last is done, leaves the cluster, and exits', async () => {
    const scene = new Scene()
    const [one, two] = [scene.server('one'), scene.server('two')]
    scene.shutDown([one, two], withThen(scene.log, { readinessDelayMs: 5000, withinMs: 20_000 }))
    await scene.signal('SIGTERM')
    assert.deepEqual(scene.news, ['one is not ready', 'two is not ready'])
    await scene.advance(4999)
    assert.deepEqual(scene.news, [])
    await scene.advance(1)
    assert.deepEqual(scene.news, ['one drains 14000 true', 'two drains 14000 true'])
    await scene.end('one')
    assert.deepEqual(scene.news, ['one closes undefined'])
    await scene.end('two')
    assert.deepEqual(scene.news, ['two closes undefined', 'then SIGTERM true', 'leave', 'exit 0'])
  })

  it('does not wait for servers that are not ready already', async () => {
    const scene = new Scene()
    scene.shutDown(scene.server('one', { isReady: false }), { readinessDelayMs: 5000 })
    await scene.signal('SIGINT')
    assert.deepEqual(scene.news, ['one is not ready', 'one drains 2000 true'])
  })

  it('closes the HTTP server of attachments once', async () => {
    const scene = new Scene()
    const [one, two] = [scene.server('one'), scene.server('two')]
    const app = { name: 'app' }
    for (const attachment of [one, two]) scene.httpServers.set(attachment, app)
    scene.shutDown([one, app, two])
    await scene.signal('SIGTERM')
    assert.deepEqual(
      scene.news.filter((line) => line.startsWith('app')),
      ['app drains'],
    )
  })

  const late: readonly [what: string, code: number, news: string[], make: (scene: Scene) => Drainable | HttpServer][] =
    [
      ['connections', 0, ['a closes 200', 'then SIGTERM true'], (scene) => scene.server('a')],
      ['workers', 1, ['a closes 200', 'then SIGTERM false'], (scene) => scene.server('a', { urls: [] })],
      ['requests', 1, ['a drops 200', 'then SIGTERM false'], () => ({ name: 'a' })],
    ]
  for (const [what, code, news, make] of late) {
    it(`drops ${what} that are left a second before the end, and exits with ${code}`, async () => {
      const scene = new Scene()
      scene.shutDown(make(scene), withThen(scene.log))
      await scene.signal('SIGTERM')
      await scene.advance(6999)
      scene.log.length = 0
      await scene.advance(1)
      assert.deepEqual(scene.news, [...news, 'leave', `exit ${code}`])
    })
  }

  it('ends in time if then does not', async () => {
    const scene = new Scene()
    // biome-ignore lint/suspicious/noThenProperty: the option is called so
    scene.shutDown([], { withinMs: 1000, then: () => new Promise(() => {}) })
    await scene.signal('SIGTERM')
    await scene.advance(999)
    assert.deepEqual(scene.news, [])
    await scene.advance(1)
    assert.deepEqual(scene.news, ['the shutdown did not end within 1000 ms, and the process was ended', 'exit 1'])
  })

  it('goes on if a server fails to drain', async () => {
    const scene = new Scene()
    const broken = scene.server('one', { drain: () => Promise.reject(new Error('no drain')) })
    scene.shutDown(broken, withThen(scene.log))
    await scene.signal('SIGTERM')
    assert.deepEqual(scene.news, ['one is not ready', 'no drain', 'then SIGTERM true', 'leave', 'exit 0'])
  })
})

describe('gracefulShutdown: signals', () => {
  it('ends at once at a second one, but for one within 200 ms', async () => {
    const scene = new Scene()
    scene.shutDown(scene.server('one'), { readinessDelayMs: 5000 })
    await scene.signal('SIGTERM')
    await scene.advance(199)
    await scene.signal('SIGTERM')
    assert.deepEqual(scene.news, ['one is not ready'])
    await scene.advance(1)
    await scene.signal('SIGINT')
    assert.deepEqual(scene.news, ['one closes 0', 'exit 130'])
  })

  it('begins by start, once, and not after cancel', async () => {
    const scene = new Scene()
    const shutdown = scene.shutDown(scene.server('one'), withThen(scene.log))
    shutdown.cancel()
    await scene.signal('SIGTERM')
    assert.deepEqual(scene.news, [])
    shutdown.start()
    shutdown.start()
    await scene.settle()
    await scene.end('one')
    assert.deepEqual(scene.news, [
      'one is not ready',
      'one drains 2000 true',
      'one closes undefined',
      'then undefined true',
      'leave',
      'exit 0',
    ])
  })
})
