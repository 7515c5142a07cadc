import type { IoredisLike } from './redis-client.js'
import type { RedisLinkEvents, RedisSubscriptions } from './redis-subscriptions.js'

/** Milliseconds after which a subscription is asked for again that the server has accepted before, and refuses now. */
const retryMs = 1000

interface Waiting {
  readonly name: string
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** The subscriptions of one kind: to channels, or by globs. */
class Kind<Listener> {
  readonly make: 'subscribe' | 'ssubscribe' | 'psubscribe'
  readonly end: 'unsubscribe' | 'sunsubscribe' | 'punsubscribe'
  readonly listeners = new Map<string, Listener>()
  /** Those that wait for a connection, which makes them. */
  waiting: Waiting[] = []

  constructor(make: Kind<Listener>['make'], end: Kind<Listener>['end']) {
    this.make = make
    this.end = end
  }
}

/**
 * Subscriptions by connections of ioredis or iovalkey that follow each other. Each new connection makes them all again.
 *
 * The clients would do so themselves, but a server that forbids one channel (ACL) refuses all that are asked for together. Their
 * promise for it rejects, nobody can handle that, and Node ends the process.
 */
export class Resubscriber implements Omit<RedisSubscriptions, 'close'> {
  readonly #events: RedisLinkEvents
  readonly #channels: Kind<(message: string) => void>
  readonly #globs = new Kind<(channel: string, message: string) => void>('psubscribe', 'punsubscribe')
  /** The connection, while it has all subscriptions. */
  #connection: IoredisLike | undefined
  #hasLost = false
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(isSharded: boolean, events: RedisLinkEvents) {
    this.#channels = isSharded ? new Kind('ssubscribe', 'sunsubscribe') : new Kind('subscribe', 'unsubscribe')
    this.#events = events
  }

  subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    return this.#add(this.#channels, channel, listener)
  }

  unsubscribe(channel: string): Promise<void> {
    return this.#remove(this.#channels, channel)
  }

  watch(glob: string, listener: (channel: string, message: string) => void): Promise<void> {
    return this.#add(this.#globs, glob, listener)
  }

  unwatch(glob: string): Promise<void> {
    return this.#remove(this.#globs, glob)
  }

  /** Takes the messages of a connection. */
  listen(connection: IoredisLike): void {
    const received = (channel: string, message: string): void => this.#channels.listeners.get(channel)?.(message)
    connection.on(this.#channels.make === 'ssubscribe' ? 'smessage' : 'message', received)
    connection.on('pmessage', (glob, channel, message) => this.#globs.listeners.get(glob)?.(channel, message))
  }

  /** Makes all subscriptions on a connection that has just become ready. */
  async ready(connection: IoredisLike): Promise<void> {
    try {
      await this.#restore(connection, this.#channels)
      await this.#restore(connection, this.#globs)
    } catch (error) {
      // The connection is lost again. The next one makes them.
      this.#events.error(error as Error)
      return
    }
    this.#connection = connection
    if (this.#hasLost) this.#events.returned()
    this.#hasLost = false
    // Those that came meanwhile may have missed the lists above.
    if (this.#channels.waiting.length + this.#globs.waiting.length > 0) await this.ready(connection)
  }

  /** The connection is lost, or an attempt to open one has failed. */
  lost(): void {
    clearTimeout(this.#retry)
    if (this.#connection === undefined) return
    this.#connection = undefined
    this.#hasLost = true
    this.#events.lost()
  }

  close(): void {
    clearTimeout(this.#retry)
    this.#connection = undefined
    for (const { waiting } of [this.#channels, this.#globs]) {
      for (const { reject } of waiting.splice(0)) reject(new Error('the broker is closed'))
    }
  }

  async #add<Listener>(kind: Kind<Listener>, name: string, listener: Listener): Promise<void> {
    kind.listeners.set(name, listener)
    try {
      await this.#made(kind, name)
    } catch (error) {
      // A refused subscription is not asked for again with the others.
      kind.listeners.delete(name)
      throw error
    }
  }

  async #remove<Listener>(kind: Kind<Listener>, name: string): Promise<void> {
    kind.listeners.delete(name)
    await this.#connection?.[kind.end]?.(name)
  }

  /** Resolves when a subscription is made: now, or by the next connection. */
  async #made<Listener>({ make, waiting }: Kind<Listener>, name: string): Promise<void> {
    const connection = this.#connection
    if (connection !== undefined) {
      try {
        await connection[make]!(name)
        return
      } catch (error) {
        // The server has refused it. If the connection is lost instead, the next one makes the subscription.
        if (connection.status === 'ready') throw error
      }
    }
    await new Promise<void>((resolve, reject) => waiting.push({ name, resolve, reject }))
  }

  /** Makes all subscriptions of a kind. @throws the client's error, if the connection is lost meanwhile */
  async #restore<Listener>(connection: IoredisLike, kind: Kind<Listener>): Promise<void> {
    const made = kind.waiting.splice(0)
    const names = [...kind.listeners.keys()]
    let refused: ReadonlyMap<string, Error>
    try {
      refused = await refusals(connection, kind.make, names)
    } catch (error) {
      kind.waiting.push(...made)
      throw error
    }
    const again = new Map(refused)
    for (const { name, resolve, reject } of made) {
      again.delete(name)
      const refusal = refused.get(name)
      if (refusal === undefined) resolve()
      else reject(refusal)
    }
    for (const name of names) {
      // Its end came while it was made.
      if (!kind.listeners.has(name)) connection[kind.end]!(name).catch(() => undefined)
    }
    for (const [name, { message }] of again) {
      this.#events.error(new Error(`Redis refuses the subscription to ${name}, which it accepted before: ${message}`))
    }
    if (again.size > 0) this.#retryLater(connection, kind, [...again.keys()])
  }

  /** Asks again each second for subscriptions that the server has accepted before, until it accepts them again. */
  #retryLater<Listener>(connection: IoredisLike, kind: Kind<Listener>, names: readonly string[]): void {
    clearTimeout(this.#retry)
    this.#retry = setTimeout(async () => {
      const asked = names.filter((name) => kind.listeners.has(name))
      try {
        const refused = await refusals(connection, kind.make, asked)
        // What was published meanwhile has been missed, as after a loss.
        if (refused.size < asked.length) this.#events.returned()
        if (refused.size > 0) this.#retryLater(connection, kind, [...refused.keys()])
      } catch {
        // The connection is lost. The next one makes them.
      }
    }, retryMs)
  }
}

/**
 * Makes several subscriptions by one command. A server that forbids one of the names refuses the whole command, and is asked for
 * each name by itself then.
 * @returns the errors of the names that the server refuses
 * @throws the client's error, if the connection is lost meanwhile
 */
async function refusals(
  connection: IoredisLike,
  make: 'subscribe' | 'ssubscribe' | 'psubscribe',
  names: readonly string[],
): Promise<ReadonlyMap<string, Error>> {
  const refused = new Map<string, Error>()
  const ask = async (...some: string[]): Promise<Error | undefined> => {
    try {
      await connection[make]!(...some)
      return undefined
    } catch (error) {
      if (connection.status !== 'ready') throw error
      return error as Error
    }
  }
  if (names.length === 0 || (await ask(...names)) === undefined) return refused
  const each = async (name: string): Promise<void> => {
    const refusal = await ask(name)
    if (refusal !== undefined) refused.set(name, refusal)
  }
  await Promise.all(names.map(each))
  return refused
}
