import type { IoredisLike } from './redis-client.js'
import type { RedisLinkEvents, RedisSubscriptions } from './redis-subscriptions.js'

/** Milliseconds after which a subscription is asked for again that the server has accepted before, and refuses now. */
const retryMs = 1000

interface Waiting {
  readonly name: string
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

type Make = 'subscribe' | 'ssubscribe' | 'psubscribe'
type End = 'unsubscribe' | 'sunsubscribe' | 'punsubscribe'

/** The subscriptions of one kind: to channels, or by globs. */
class Kind<Listener> {
  readonly make: Make
  readonly end: End
  readonly listeners = new Map<string, Listener>()
  /** Those that wait for a connection, which makes them. */
  waiting: Waiting[] = []
  /** Those that the server has accepted before, and refuses now. */
  refused = new Set<string>()
  /** Those that were left while a new connection made them. */
  readonly left = new Set<string>()

  constructor(make: Make, end: End) {
    this.make = make
    this.end = end
  }
}

/**
 * Subscriptions by connections of ioredis or iovalkey that follow each other. Each new connection makes them all again.
 *
 * The clients would do so themselves by one command. If an ACL forbids one channel, the server refuses the whole command. The
 * client rejects a promise of its own then, which ends the process as no code can handle it.
 */
export class Resubscriber implements RedisSubscriptions {
  readonly #events: RedisLinkEvents
  readonly #disconnect: () => void
  readonly #channels: Kind<(message: string) => void>
  readonly #globs = new Kind<(channel: string, message: string) => void>('psubscribe', 'punsubscribe')
  readonly #kinds: readonly Kind<unknown>[]
  /** The connection, while it has all subscriptions. */
  #connection: IoredisLike | undefined
  #hasLost = false
  #isClosed = false
  #retry: ReturnType<typeof setTimeout> | undefined

  /** @param disconnect ends the connections; called by `close` */
  constructor(isSharded: boolean, events: RedisLinkEvents, disconnect: () => void) {
    this.#channels = isSharded ? new Kind('ssubscribe', 'sunsubscribe') : new Kind('subscribe', 'unsubscribe')
    this.#kinds = [this.#channels, this.#globs]
    this.#events = events
    this.#disconnect = disconnect
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

  close(): void {
    this.#isClosed = true
    this.#connection = undefined
    clearTimeout(this.#retry)
    for (const { waiting } of this.#kinds) for (const { reject } of waiting.splice(0)) reject(closed())
    this.#disconnect()
  }

  /** Takes the messages of a connection. */
  listen(connection: IoredisLike): void {
    const received = (channel: string, message: string): void => this.#channels.listeners.get(channel)?.(message)
    connection.on(this.#channels.make === 'ssubscribe' ? 'smessage' : 'message', received)
    connection.on('pmessage', (glob, channel, message) => this.#globs.listeners.get(glob)?.(channel, message))
  }

  /** Makes all subscriptions on a connection that has just become ready. */
  async ready(connection: IoredisLike): Promise<void> {
    for (const { refused, left } of this.#kinds) {
      refused.clear()
      left.clear()
    }
    try {
      for (const kind of this.#kinds) await this.#ask(connection, kind, [...kind.listeners.keys()])
      if (this.#isClosed) return
      this.#connection = connection
      this.#endLeft(connection)
      if (this.#hasLost) this.#events.returned()
      this.#hasLost = false
      // Those that came meanwhile are in none of the lists above.
      for (const kind of this.#kinds) await this.#ask(connection, kind, namesOf(kind.waiting))
      this.#retryLater(connection)
    } catch (error) {
      // The connection is lost again. The next one makes them.
      this.#events.error(error as Error)
    }
  }

  /** The connection is lost, or an attempt to open one has failed. */
  lost(): void {
    clearTimeout(this.#retry)
    if (this.#connection === undefined) return
    this.#connection = undefined
    this.#hasLost = true
    this.#events.lost()
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

  async #remove({ listeners, left, end }: Kind<unknown>, name: string): Promise<void> {
    listeners.delete(name)
    if (this.#connection === undefined) left.add(name)
    else await this.#connection[end]!(name)
  }

  /** Resolves when a subscription is made: now, or by the next connection. */
  async #made(kind: Kind<unknown>, name: string): Promise<void> {
    if (this.#isClosed) throw closed()
    const connection = this.#connection
    if (connection !== undefined) {
      try {
        await connection[kind.make]!(name)
        return
      } catch (error) {
        // The server has refused it. If the connection is lost instead, the next one makes the subscription.
        if (connection.status === 'ready') throw error
      }
    }
    await new Promise<void>((resolve, reject) => kind.waiting.push({ name, resolve, reject }))
  }

  /**
   * Asks for subscriptions of a kind, and settles those that wait for them.
   * @throws the client's error, if the connection is lost meanwhile
   */
  async #ask(connection: IoredisLike, kind: Kind<unknown>, names: readonly string[]): Promise<void> {
    const refusals = await refusalsOf(connection, kind.make, names)
    const asked = new Set(names)
    const isSettled = ({ name }: Waiting): boolean => asked.has(name) || !kind.listeners.has(name)
    const settled = kind.waiting.filter(isSettled)
    kind.waiting = kind.waiting.filter((each) => !isSettled(each))
    for (const { name, resolve, reject } of settled) {
      const refusal = refusals.get(name)
      if (refusal === undefined) resolve()
      else reject(refusal)
    }
    const isNew = new Set(namesOf(settled))
    for (const [name, { message }] of refusals) {
      if (isNew.has(name)) continue
      kind.refused.add(name)
      this.#events.error(new Error(`Redis refuses the subscription to ${name}, which it accepted before: ${message}`))
    }
  }

  #endLeft(connection: IoredisLike): void {
    for (const { listeners, left, end } of this.#kinds) {
      for (const name of left) if (!listeners.has(name)) connection[end]!(name).catch(() => undefined)
      left.clear()
    }
  }

  /** Asks again each second for what the server has accepted before and refuses, until it accepts that. */
  #retryLater(connection: IoredisLike): void {
    clearTimeout(this.#retry)
    if (this.#connection !== connection || this.#kinds.every(({ refused }) => refused.size === 0)) return
    this.#retry = setTimeout(() => void this.#askAgain(connection), retryMs)
  }

  async #askAgain(connection: IoredisLike): Promise<void> {
    let isAccepted = false
    try {
      for (const kind of this.#kinds) {
        const names = [...kind.refused].filter((name) => kind.listeners.has(name))
        const refusals = await refusalsOf(connection, kind.make, names)
        kind.refused = new Set(refusals.keys())
        if (refusals.size < names.length) isAccepted = true
      }
    } catch {
      // The connection is lost. The next one makes them.
      return
    }
    // The topics have missed messages, as after a loss.
    if (isAccepted) this.#events.returned()
    this.#retryLater(connection)
  }
}

const closed = (): Error => new Error('the broker is closed')

const namesOf = (waiting: readonly Waiting[]): string[] => waiting.map(({ name }) => name)

/**
 * Makes several subscriptions by one command. A server that forbids one of the names refuses the whole command. Then this function
 * asks for each name alone.
 * @returns the errors of the names that the server refuses
 * @throws the client's error, if the connection is lost meanwhile
 */
async function refusalsOf(
  connection: IoredisLike,
  make: Make,
  names: readonly string[],
): Promise<ReadonlyMap<string, Error>> {
  const refusals = new Map<string, Error>()
  const ask = async (...some: string[]): Promise<Error | undefined> => {
    try {
      await connection[make]!(...some)
      return undefined
    } catch (error) {
      if (connection.status !== 'ready') throw error
      return error as Error
    }
  }
  if (names.length === 0 || (await ask(...names)) === undefined) return refusals
  const each = async (name: string): Promise<void> => {
    const refusal = await ask(name)
    if (refusal !== undefined) refusals.set(name, refusal)
  }
  await Promise.all(names.map(each))
  return refusals
}
